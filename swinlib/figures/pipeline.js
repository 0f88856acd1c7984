// An image on its way to a network. data: { steps: [[name, shape, type, index, values, low, high, colours, remark],
// ...] }; see Step. state.step and state.pixel are what the reader chose; the buttons of the table choose a step.
function draw({ data, values, state, stage, notes, words, say, redraw }) {
  const steps = data.steps.map(([name, shape, type, index, values, low, high, colours, remark]) =>
    ({ name, shape, type, index, values, low, high, colours, remark }));
  const limit = (k, count) => Math.max(0, Math.min(count - 1, k));
  state.step = limit(state.step ?? 0, steps.length);
  const step = steps[state.step], rows = step.colours.length, columns = step.values[0][0].length;
  state.pixel ??= [3, 4];
  const chosen = [limit(state.pixel[0], rows), limit(state.pixel[1], columns)];
  const at = (channel, row, column) => step.values[channel][row][column];
  const minus = number => String(number).replace("-", "−");

  const frame = `M${chosen[1]} ${chosen[0]}h1v1h-1Z`;
  const grid = board({
    rows, columns, label: fill(words.pixels, { step: step.name }), chosen, lines: [["swin-under", frame]],
    choose: (row, column) => { state.pixel = [row, column]; redraw(); },
    cell: (row, column) => ({
      text: minus(at(values.channel, row, column)),
      label: fill(words.cell, { row, column, r: at(0, row, column), g: at(1, row, column), b: at(2, row, column) }),
    }),
  });
  grid.querySelectorAll("[role=gridcell]").forEach((cell, k) => {
    const colour = step.colours[Math.floor(k / columns)].split(" ")[k % columns];
    const [r, g, b] = [0, 2, 4].map(place => parseInt(colour.slice(place, place + 2), 16));
    const light = 0.2126 * (r / 255) ** 2.2 + 0.7152 * (g / 255) ** 2.2 + 0.0722 * (b / 255) ** 2.2;
    const text = cell.querySelector("text"), long = text.textContent.length > 3;
    cell.querySelector("rect").style.fill = `#${colour}`;
    text.style.fill = light > 0.18 ? "#000" : "#fff"; // readable on any colour
    text.style.fontSize = long ? ".3px" : ".38px";
  });

  // the frame stays when something is chosen, so that the keyboard's focus stays too
  if (!state.frame) {
    const go = k => { state.step = (k + state.count) % state.count; state.redraw(); };
    const { table, list } = stepTable(words.table, [words.step, words.shape, words.range], go);
    state.list = list;
    state.map = make("div", { style: "flex: 1 1 16rem; min-width: 0" });
    state.frame = make("div", { style: "display: flex; flex-wrap: wrap; gap: .75rem 1.5rem" },
      make("style", {}, ".swin-figure .swin-under { stroke: #fff; stroke-width: .22; } "
        + ".swin-figure .swin-under ~ .swin-chosen { stroke: #000; }"), state.map,
      make("div", { style: "flex: 0 1 auto; min-width: 0; max-width: 100%" }, table,
        make("div", { class: "swin-controls", style: "margin: .6rem 0 0" },
          button(words.previous, () => go(state.step - 1)), button(words.next, () => go(state.step + 1)))));
  }
  state.redraw = redraw;
  state.count = steps.length;
  if (stage.firstChild !== state.frame) stage.replaceChildren(state.frame);
  state.map.replaceChildren(grid);
  state.list(steps.map((each, k) => [
    `${k + 1} ${each.name}`, make("span", { style: "white-space: nowrap" }, each.shape, make("br"), each.type),
    fill(words.from_to, { low: minus(each.low), high: minus(each.high) }),
  ]), state.step);

  notes.replaceChildren(make("p", { class: "swin-note" }, words.note));
  const [row, column] = chosen, numbers = [0, 1, 2].map(channel => minus(at(channel, row, column))).join(", ");
  const sentence = { step: step.name, index: fill(step.index, { row, column }), values: numbers };
  say([fill(words.sentence, sentence), step.remark].join(" ").trim());
}
