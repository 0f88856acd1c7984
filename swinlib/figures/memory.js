// Tokens in memory, step by step. data: { steps: [[name, code, block, copies, tokens, added, window, pieces], ...],
// size, line }; see Step. state.step and state.token are what the reader chose; the buttons of the table choose a step.
function draw({ data, state, stage, notes, words, say, redraw }) {
  const steps = data.steps.map(([name, code, block, copies, tokens, added, window, pieces]) =>
    ({ name, code, block, copies, tokens, added, window, pieces }));
  const limit = k => Math.max(0, Math.min(steps.length - 1, k));
  state.name ??= steps.find(step => step.added.length).name; // the first sum, where ways differ
  const found = steps.findIndex(step => step.name === state.name); // the same step of another way, if it has it
  state.step = found >= 0 ? found : limit(state.step);
  state.token ??= 20;
  const step = steps[state.step], { size, line } = data, { token } = state;
  state.name = step.name;
  const at = step.tokens.indexOf(token), other = step.added.length ? step.added[at] : token;
  const kind = each => each === token ? "self" : step.window[each] === step.window[token] ? "reached" : "plain";
  const choose = each => { state.token = each; redraw(); };
  const named = (label, each) => kind(each) === "reached" ? fill(words.mate, { label }) : label;

  const map = board({
    rows: size, columns: size, label: fill(words.map, step), chosen: [Math.floor(token / size), token % size],
    choose: (row, column) => choose(row * size + column),
    cell(row, column) {
      const each = row * size + column;
      return { kind: kind(each), text: each, label: named(fill(words.cell, { token: each, row, column }), each) };
    },
    lines: [["", borders(size, size, (row, column) => step.window[row * size + column])]],
  });
  // memory in lines; the frame is at one place, so that in a sum both terms are seen at it
  const memory = (tokens, title, label) => board({
    rows: tokens.length / line, columns: line, label: title, chosen: [Math.floor(at / line), at % line],
    choose: (row, column) => choose(step.tokens[row * line + column]),
    cell(row, column) {
      const place = row * line + column, each = tokens[place];
      const mixed = step.added.length > 0 && step.added[place] !== step.tokens[place];
      return { kind: kind(each), text: each, hatch: mixed, label: named(label(place, each, mixed), each) };
    },
    lines: [["", borders(tokens.length / line, line, (row, column) => step.window[tokens[row * line + column]])]],
  });

  // the frame stays when something is chosen, so that the keyboard's focus stays too
  if (!state.frame) {
    const go = k => {
      const to = (k + state.count) % state.count;
      state.name = state.names[to];
      state.redraw();
    };
    const part = name => make("div", { style: "min-width: 0" },
      state[`${name}Title`] = make("p", { class: "swin-note" }), state[`${name}Box`] = make("div"));
    const { table, list } = stepTable(words.steps, [words.step, words.copies], go);
    state.list = list;
    const map = part("map"), steps = make("div", { class: "swin-steps" }, table);
    const boards = make("div", { class: "swin-memory", style: "flex: 1 1 100%; min-width: 0" },
      part("memory"), part("added"));
    map.style.flex = "1 1 14rem";
    state.frame = make("div", {},
      make("style", {}, ".swin-figure .swin-steps { flex: 1 1 16rem; min-width: 0; } "
        // on a phone the buttons do without a table, and numbers fill their cells
        + "@media (max-width: 40rem) { .swin-figure .swin-steps { display: none; } "
        + ".swin-figure .swin-memory .swin-text { font-size: .62px; } }"),
      make("div", { class: "swin-controls" }, button(words.previous, () => go(state.step - 1)),
        button(words.next, () => go(state.step + 1)), state.here = make("span")),
      make("div", { style: "display: flex; flex-wrap: wrap; gap: .75rem 1.5rem" }, map, steps, boards));
  }
  Object.assign(state, { redraw, count: steps.length, names: steps.map(each => each.name) });
  if (stage.firstChild !== state.frame) stage.replaceChildren(state.frame);

  const { name } = step;
  const here = fill(words.here, { number: state.step + 1, count: steps.length, name });
  state.here.replaceChildren(`${here}, `, make("span", { style: "font-family: monospace; overflow-wrap: anywhere" }, step.code));
  state.mapTitle.textContent = fill(words.map, step);
  state.mapBox.replaceChildren(map);
  const title = step.added.length ? words.x : words.memory;
  state.memoryTitle.textContent = title;
  state.memoryBox.replaceChildren(memory(step.tokens, title, (place, each, mixed) =>
    fill(mixed ? words.wrong : words.place, { place, token: each, other: step.added[place] })));
  state.addedTitle.textContent = step.added.length ? words.added : "";
  state.addedBox.replaceChildren(...step.added.length
    ? [memory(step.added, words.added, (place, each) => fill(words.sum, { place, token: each }))] : []);

  state.list(steps.map(each => [each.name, each.copies]), state.step);

  notes.replaceChildren(legend([
    [{ kind: "self" }, words.chosen], [{ kind: "reached" }, words.mates], [{ hatch: true }, words.mixed],
  ]), make("p", { class: "swin-note" }, words.lines));
  const pieces = step.pieces[step.window[token]];
  const wrong = step.added.filter((each, place) => each !== step.tokens[place]).length;
  say([
    fill(words.sentence, {
      step: step.name, token, place: at, tokens: line,
      pieces: pieces === 1 ? words.one : fill(words.many, { count: pieces }),
    }),
    fill(words.copied, {
      copies: [words.never, words.once][step.copies] ?? fill(words.times, { count: step.copies }),
    }),
    ...step.added.length === 0 ? [] : [
      fill(other === token ? words.own : words.other, { other }),
      fill(wrong ? words.differ : words.agree, { wrong, all: step.tokens.length }),
    ],
  ].filter(Boolean).join(" "));
}
