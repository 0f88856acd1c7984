// Two operands and their product. data: align, a, b, result (null where PyTorch refuses), uses, reason, message; see
// broadcast_data. state.cell is the chosen cell of the result as it is drawn, sheets one below the other.
function draw({ data, values, state, stage, notes, words, say, redraw }) {
  const { a, b, result } = data;
  const rows = result?.values.length, columns = result?.values[0].length;
  state.cell ??= [0, 0];
  if (result && (state.cell[0] >= rows || state.cell[1] >= columns)) state.cell = [0, 0];
  const [row, column] = state.cell;
  const uses = result ? data.uses[row * columns + column] : [[], []];

  // The borders between the sheets of a third dimension, and the frame.
  const frame = ({ values: cells, sheets }) => {
    const height = cells.length, width = cells[0].length, path = Array.from({ length: sheets }, (_, k) =>
      `M0 ${k * height / sheets}h${width}`);
    return `${path.join("")}M0 0h${width}v${height}h-${width}Z`;
  };
  const frames = cells => cells.map(([r, c]) => `M${c} ${r}h1v1h-1Z`).join("");
  const panel = (title, cells, ...content) => make("div",
    { style: `flex: 0 1 ${2.3 * (cells + 0.9)}rem; min-width: 0` },
    make("p", { style: "margin: 0 0 0 .4rem; font-size: .9em" }, title), ...content);
  const sign = text => make("span", { style: "align-self: center; font-weight: 600", "aria-hidden": "true" }, text);

  function operand(name, tensor, used) {
    const inUse = (r, c) => used.some(([y, x]) => y === r && x === c), width = tensor.values[0].length;
    const stretched = tensor.copy.flat().some(Boolean);
    const label = fill(stretched ? words.stretched : words.operand, { name, ...tensor });
    const cells = tensor.values.flatMap((line, r) => line.map((text, c) => make("g",
      { transform: `translate(${c} ${r})` },
      ...cellContent({ kind: inUse(r, c) ? "reached" : "plain", text, hatch: tensor.copy[r][c] }))));
    return panel(`${name} ${tensor.shape}`, width, make("svg", {
      class: "swin-board", role: "img", "aria-label": label, "data-operand": name,
      viewBox: `-.8 -.8 ${width + 0.9} ${tensor.values.length + 0.9}`,
    }, ...cells, make("path", { d: frame(tensor), class: "swin-line" }),
    make("path", { d: frames(used), class: "swin-line swin-chosen" })));
  }

  function alignment() {
    const cell = (tag, text, more = {}) => make(tag, {
      style: "padding: .1rem .4rem; text-align: center; font-weight: inherit; border: 0; background: none", ...more,
    }, text);
    const line = (head, texts, tag = "td") => make("tr", { style: "background: none; border-bottom: 1px solid #8886" },
      cell("th", head, { scope: "row" }), ...texts.map(text => cell(tag, text, tag === "th" ? { scope: "col" } : {})));
    const { heads, a, b, result, verdicts } = data.align;
    return make("table", {
      "aria-label": words.align, style: "width: auto; margin: 0 0 .8rem; font-size: .95em; border-collapse: collapse; color: inherit",
    }, make("tbody", {},
      line(words.head, heads, "th"), line("a", a), line("b", b), line(words.out, result), line(words.verdict, verdicts)));
  }

  function product() {
    state.holder ??= make("div"); // stays the same, so that the keyboard's focus finds the new board in it
    const grid = board({
      rows, columns, label: fill(words.result, result), chosen: state.cell,
      choose: (r, c) => { state.cell = [r, c]; redraw(); },
      cell(r, c) {
        const value = result.values[r][c], chosen = r === row && c === column;
        return { kind: chosen ? "self" : "plain", text: value, label: fill(words.cell, { name: result.names[r][c], value }) };
      },
      lines: [["", frame(result)]],
    });
    // each sheet counts its rows from 0
    grid.querySelectorAll(".swin-number").forEach((number, k) => {
      if (k >= columns) number.textContent = String((k - columns) % (rows / result.sheets));
    });
    state.holder.replaceChildren(grid);
    return panel(`${words.out} ${result.shape}`, columns, state.holder);
  }

  const panels = [operand("a", a, uses[0]), sign(values.op === "*" ? "×" : "@"), operand("b", b, uses[1])];
  stage.replaceChildren(...(data.align.heads.length ? [alignment()] : []),
    make("div", { style: "display: flex; flex-wrap: wrap; gap: .4rem .6rem; align-items: flex-start" },
      ...panels, ...(result ? [sign("="), product()] : [])));
  if (!result) {
    notes.replaceChildren(make("p", { class: "swin-note" }, fill(words.torch, data)));
    say(data.reason);
    return;
  }
  const copies = [a, b].some(tensor => tensor.copy.flat().some(Boolean));
  notes.replaceChildren(legend([
    [{ kind: "self" }, words.chosen], [{ kind: "reached" }, words.used],
    ...(copies ? [[{ hatch: true }, words.copy]] : []),
  ]));
  const terms = look => uses[0].map(([r, c], k) => `${look(a, r, c)} · ${look(b, ...uses[1][k])}`).join(" + ");
  const named = terms((tensor, r, c) => tensor.names[r][c]), numbers = terms((tensor, r, c) => tensor.values[r][c]);
  say(fill(words.equation, {
    name: result.names[row][column], terms: `${named} = ${numbers}`, value: result.values[row][column],
  }));
}
