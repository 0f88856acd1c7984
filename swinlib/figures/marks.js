// Two marks on a map, and two networks that say whether their colours agree. data: side of the map in cells, pixels of
// a mark, window, shifts of the blocks of each network, colours and their palette, start, and the agreement that each
// network finds there, in probabilities. values: first and second, the colours by number.
const NETWORKS = ["shifted", "plain"];

// The probability of "they agree", for cells [[row, column], ...] and colours by number.
function agreement(model, { side, mark, palette }, cells, colours) {
  const size = side * mark, data = new Float32Array(3 * size * size);
  cells.forEach(([row, column], k) => {
    for (let channel = 0; channel < 3; channel++)
      for (let y = row * mark; y < (row + 1) * mark; y++)
        for (let x = column * mark; x < (column + 1) * mark; x++)
          data[(channel * size + y) * size + x] = palette[colours[k]][channel];
  });
  const { logits: answer } = forward(model, { data, height: size, width: size });
  softmax(answer, 2);
  return answer[1];
}

// The tokens of the last map that can depend on both marks, as numbers: by windows, shifts and masks of the blocks.
function hearOfBoth({ side, window }, shifts, cells) {
  const numbers = Float32Array.from({ length: side * side }, (_, k) => k);
  const order = { data: numbers, height: side, width: side, channels: 1 };
  const [first, second] = cells.map(([row, column]) => shifts.reduce((heard, shift) => {
    const { data: tokens, width: count } = window_partition(cyclic_shift(order, shift), window), next = new Set();
    const mask = shifted_window_mask(side, side, window, shift);
    tokens.forEach((token, query) => {
      for (let key = 0; key < count; key++) {
        const other = tokens[query - query % count + key];
        if (mask[query * count + key] && heard.has(other)) next.add(token);
      }
    });
    return next;
  }, new Set([row * side + column])));
  return [...first].filter(token => second.has(token));
}

// ---- The figure

function draw(figure) {
  const { data, state, stage } = figure;
  state.cells ??= data.start.map(cell => [...cell]);
  state.held ??= 0; // the mark that the keys move
  state.parts ??= build(figure);
  if (!state.parts.all.isConnected) stage.replaceChildren(state.parts.all);
  show(figure);
}

// Both maps, which stay: one that was replaced while somebody drags on it would lose the finger.
function build(figure) {
  const { data, state, words } = figure, { side } = data;
  const map = name => {
    const shift = data.shifts[name].at(-1), dots = make("g"), marks = state.cells.map((_, k) => make("g", {},
      make("rect", { x: 0.06, y: 0.06, width: 0.88, height: 0.88, rx: 0.12 }),
      make("text", { x: 0.5, y: 0.52, class: "swin-text", style: "font: 700 .6px sans-serif" }, String(k + 1))));
    const [mh, mw] = data.window, piece = ([down, across]) => (row, column) =>
      Math.floor((row - down + mh) / mh) * (side + 1) + Math.floor((column - across + mw) / mw);
    const svg = make("svg", {
      viewBox: `-.15 -.15 ${side + 0.3} ${side + 0.3}`, class: "swin-marks",
      style: "display: block; width: 100%; border-radius: 4px; cursor: grab; touch-action: none",
    },
    ...Array.from({ length: side * side }, (_, k) => make("rect", {
      x: k % side, y: Math.floor(k / side), width: 1, height: 1, class: "swin-plain" })),
    make("path", { d: borders(side, side, piece([0, 0])), class: "swin-line" }),
    make("path", { d: `M0 0h${side}v${side}h${-side}Z`, class: "swin-line" }),
    ...(shift.some(Boolean) ? [make("path", {
      d: borders(side, side, piece(shift)), class: "swin-line swin-region-line" })] : []),
    dots, ...marks);
    const verdict = make("p", { class: "swin-note", style: "min-height: 1.5em; font-weight: 600" });
    listen(figure, svg);
    const title = make("p", { class: "swin-note", style: "font-weight: 600" }, words[name]);
    return { svg, dots, marks, verdict, title };
  };
  const maps = Object.fromEntries(NETWORKS.map(name => [name, map(name)]));
  maps.shifted.svg.setAttribute("tabindex", "0");
  maps.shifted.svg.setAttribute("role", "application");
  maps.plain.svg.setAttribute("role", "img");
  const key = (name, ...parts) =>
    make("li", {}, make("svg", { viewBox: "-.1 -.1 1.2 1.2", "aria-hidden": "true" }, ...parts), name);
  const all = make("div", {},
    make("div", { style: "display: flex; gap: .75rem 1.5rem" }, ...NETWORKS.map(name =>
      make("div", { style: "flex: 1 1 0; min-width: 0; max-width: 20rem" },
        maps[name].title, maps[name].svg, maps[name].verdict))));
  figure.notes.replaceChildren(
    make("ul", { class: "swin-legend" },
      key(words.hears, make("path", { d: DOT, style: "fill: currentColor" })),
      key(words.windows, make("path", { d: "M.5 0v1", class: "swin-line" }),
        make("path", { d: "M0 .5h1", class: "swin-line swin-region-line" }))),
    make("p", { class: "swin-note" }, words.hint));
  return { all, maps };
}

const DOT = "M.5 .36a.14 .14 0 1 1 0 .28a.14 .14 0 1 1 0-.28Z";

// Mouse, finger, pen and keys.
function listen(figure, svg) {
  const { data: { side }, state } = figure;
  let dragged = false;
  const cellAt = event => { // of the pointer, on the map
    const box = svg.getBoundingClientRect(), unit = box.width / (side + 0.3);
    const place = offset => Math.max(0, Math.min(side - 1, Math.floor(offset / unit - 0.15)));
    return [place(event.clientY - box.top), place(event.clientX - box.left)];
  };
  svg.addEventListener("pointerdown", event => {
    if (event.button) return;
    svg.setPointerCapture(event.pointerId);
    dragged = true;
    const [row, column] = cellAt(event), far = ([r, c]) => Math.hypot(r - row, c - column);
    state.held = far(state.cells[0]) <= far(state.cells[1]) ? 0 : 1; // the nearer one comes
    move(figure, [row, column]);
  });
  svg.addEventListener("pointermove", event => { if (dragged) move(figure, cellAt(event)); });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => { dragged = false; });
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  svg.addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = moves[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault(); // space would scroll the page
    event.stopPropagation(); // elsewhere, arrow keys turn pages
    if (!step) { state.held = 1 - state.held; figure.redraw(); return; }
    const [row, column] = state.cells[state.held], other = String(state.cells[1 - state.held]);
    let to = [row + step[0], column + step[1]];
    if (String(to) === other) to = [to[0] + step[0], to[1] + step[1]]; // over the other mark
    if (to.every(place => place >= 0 && place < side)) move(figure, to);
  });
}

// Put the held mark into a cell, unless the other one is there.
function move({ state, redraw }, cell) {
  if (String(cell) === String(state.cells[1 - state.held])) return;
  state.cells[state.held] = cell;
  redraw();
}

function show(figure) {
  const { data, values, state, words, say } = figure, { cells, held, parts } = state, { side } = data;
  const colours = [values.first, values.second], model = modelOf(figure);
  const atStart = String(cells) === String(data.start) && !values.first && !values.second;
  const chances = model ? Object.fromEntries(NETWORKS.map(name => [name, agreement(model[name], data, cells, colours)]))
    : atStart ? data.agreement : null;
  const truth = values.first === values.second, found = {};
  for (const name of NETWORKS) {
    const { svg, dots, marks, verdict } = parts.maps[name], heard = hearOfBoth(data, data.shifts[name], cells);
    marks.forEach((mark, k) => {
      const [row, column] = cells[k], shade = data.palette[colours[k]].map(part => Math.round(255 * part));
      const dark = shade[0] * 0.299 + shade[1] * 0.587 + shade[2] * 0.114 < 75; // letters are to be read on it
      mark.setAttribute("transform", `translate(${column} ${row})`);
      mark.dataset.cell = `${row},${column}`;
      const frame = `stroke: currentColor; stroke-width: ${k === held ? 0.2 : 0.04}`;
      mark.firstChild.setAttribute("style", `fill: rgb(${shade.join(" ")}); ${frame}`);
      mark.lastChild.style.fill = dark ? "#fff" : "#111";
    });
    dots.replaceChildren(...heard.map(token => make("path", {
      d: DOT, transform: `translate(${token % side} ${Math.floor(token / side)})`, style: "fill: currentColor",
      "data-token": `${Math.floor(token / side)},${token % side}` })));
    const network = words[name], label = name === "shifted" ? words.board : words.board_of_the_other;
    svg.setAttribute("aria-label", fill(label, { network, mark: held ? words.second : words.first }));
    if (!chances) { verdict.textContent = ""; continue; }
    const agree = chances[name] > 0.5, sure = Math.round(100 * (agree ? chances[name] : 1 - chances[name]));
    found[name] = {
      said: agree ? words.agree : words.differ, sure, verdict: agree === truth ? words.right : words.wrong,
      both: heard.length,
    };
    verdict.textContent = `${agree === truth ? "✓" : "✗"} ${fill(words.verdict, found[name])}`;
  }
  const places = fill(words.places, Object.fromEntries(["first", "second"].flatMap((name, k) => [
    [`${name}_colour`, data.colours[colours[k]]], [`${name}_row`, cells[k][0]], [`${name}_column`, cells[k][1]]])));
  if (!chances) {
    say(`${places} ${state.failed ? fill(words.failed, { reason: state.failed }) : words.loading}`);
    return;
  }
  const { shifted, plain } = found, together = plain.both > 0;
  say(`${fill(together ? words.together : words.apart, {
    ...shifted, said_plain: plain.said, sure_plain: plain.sure, verdict_plain: plain.verdict })} ${places}`);
}
