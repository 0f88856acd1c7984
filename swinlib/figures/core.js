// Shared by all interactive figures: controls, words, cells, keyboard. It knows no facts: Python computed what is
// shown, and the figure's own draw() decides how it looks. Each figure's script has its own copy, in its own module.

const DRAWN = ["svg", "g", "rect", "path", "text", "image"];

// An element: make("p", { class: "swin-note", onclick: handler, hidden: false }, "text or elements", ...).
function make(tag, attributes = {}, ...children) {
  const namespace = DRAWN.includes(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const node = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// fill("Token {row}", { row: 1 }) is "Token 1".
const fill = (sentence, fields) => sentence.replace(/\{(\w+)\}/g, (_, name) => fields[name]);

// Signs that stay distinct without colour, in a cell that is one unit wide.
const SIGNS = {
  triangle: "M.53 .2 .86 .84 .2 .84Z",
  dot: "M.53 .32a.22 .22 0 1 1 0 .44a.22 .22 0 1 1 0-.44Z",
  barred: "M.53 .3a.24 .24 0 1 1 0 .48a.24 .24 0 1 1 0-.48M.36 .71 .7 .37",
  cross: "M.32 .33 .74 .75M.74 .33 .32 .75",
  hatch: "M0 .25 .25 0M0 .5 .5 0M0 .75 .75 0M0 1 1 0M.25 1 1 .25M.5 1 1 .5M.75 1 1 .75",
};

// What one cell holds: { kind: ends a CSS class that colours it, text, sign, hatch }. Beside a sign, text is small.
function cellContent({ kind = "plain", text = "", sign, hatch }) {
  const parts = [make("rect", { width: 1, height: 1, class: `swin-${kind}` })];
  if (hatch) parts.push(make("path", { d: SIGNS.hatch, class: `swin-hatch swin-on-${kind}` }));
  if (sign) parts.push(make("path", { d: SIGNS[sign], class: `swin-sign swin-${sign}` }));
  const place = sign ? { x: 0.17, y: 0.19 } : { x: 0.5, y: 0.5 };
  const look = `swin-text swin-on-${kind} ${sign ? "swin-corner" : ""}`;
  if (text !== "") parts.push(make("text", { ...place, class: look }, String(text)));
  return parts;
}

// Makes a drawing a grid that is explored without choosing. Tab reaches the chosen cell. Arrow keys, Home and End (with
// Ctrl, of all cells) go from cell to cell: a screen reader says the label of each, and whoever sees the drawing reads
// it below. Enter, the space bar and clicks choose.
//   rows, columns; chosen: [row, column]; unit: the side of a cell; choose(row, column): draws anew
//   enter(row, column): gives the element of a cell, which Tab reaches now; leave(element): no longer this one
// Gives pick(row, column), which chooses and keeps the keyboard there.
function explore(svg, { rows, columns, unit = 1, chosen, enter, leave, choose }) {
  const moves = {
    ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -columns], End: [0, columns],
  };
  // in white and black, which shows on every colour
  const frame = make("g", { class: "swin-cursor", "aria-hidden": "true" }, ...["#fff", "#111"].map(stroke =>
    make("path", { d: "M.1 .1h.8v.8h-.8Z", style: `stroke: ${stroke}` })));
  const here = make("p", { class: "swin-here", "aria-hidden": "true" }); // the focus is what is said
  const placeOf = element => element.dataset.cell.split(",").map(Number);
  let cell = enter(...chosen); // the one that Tab reaches
  function reach(place, focus = false) {
    const before = cell;
    if (before.dataset.cell === String(place)) return;
    cell = enter(...place);
    if (focus) cell.focus();
    leave(before);
  }
  function pick(row, column) {
    const holder = svg.parentNode;
    choose(row, column);
    holder.querySelector('svg [tabindex="0"]')?.focus({ preventScroll: true });
  }
  svg.addEventListener("keydown", event => {
    const move = moves[event.key], picks = event.key === "Enter" || event.key === " ";
    const whole = event.ctrlKey && (event.key === "Home" || event.key === "End");
    if (!(move || picks) || event.altKey || event.metaKey || (event.ctrlKey && !whole)) return;
    event.preventDefault(); // a key that chooses or moves scrolls no page
    event.stopPropagation(); // elsewhere, arrow keys turn pages
    const [row, column] = placeOf(cell), within = (k, count) => Math.max(0, Math.min(count - 1, k));
    if (picks) pick(row, column);
    else reach([
      within(row + move[0] + (whole ? Math.sign(move[1]) * rows : 0), rows), within(column + move[1], columns)], true);
  });
  // mount() says when the keyboard comes to a cell, by keys or by a screen reader, and when it has left them: an SVG
  // that listened for the focus itself would be a stop of the keyboard
  svg.onCome = element => {
    reach(placeOf(element));
    if (!frame.isConnected) {
      svg.append(frame); // over whatever the figure has drawn
      svg.after(here);
    }
    const [row, column] = placeOf(cell);
    frame.setAttribute("transform", `scale(${unit}) translate(${column} ${row})`);
    here.textContent = cell.getAttribute("aria-label");
  };
  svg.onGone = () => reach(chosen);
  return pick;
}

// A map of cells, which explore() lets readers walk over.
//   rows, columns; label: its name; cell(row, column): what it holds, and its label for screen readers;
//   lines: [[CSS class, path in units of cells], ...]; chosen: [row, column]; choose(row, column): draws anew
function board({ rows, columns, label, cell, lines = [], chosen, choose }) {
  const count = (n, build) => Array.from({ length: n }, (_, k) => build(k));
  const step = Math.ceil(Math.max(rows, columns) / 16); // number every row and column while there is room
  const number = (k, x, y) => make("text", { x, y, class: "swin-text swin-number" }, k % step ? "" : String(k));
  const reachable = (cell, tabindex) => { cell.setAttribute("tabindex", tabindex); return cell; };
  function gridCell(row, column) {
    const content = cell(row, column), here = row === chosen[0] && column === chosen[1];
    return make("g", {
      role: "gridcell", "aria-label": content.label, "aria-selected": String(here), tabindex: -1,
      "data-cell": `${row},${column}`, transform: `translate(${column} ${row})`, onclick: () => pick(row, column),
    }, ...cellContent(content));
  }
  const svg = make("svg", {
    class: "swin-board", viewBox: `-.8 -.8 ${columns + 0.9} ${rows + 0.9}`,
    style: `max-width: ${Math.min(36, 2.9 * (columns + 0.9))}rem`, role: "grid", "aria-label": label,
  }, ...count(rows, row => make("g", { role: "row" }, ...count(columns, column => gridCell(row, column)))),
  make("g", { "aria-hidden": "true" },
    ...count(columns, k => number(k, k + 0.5, -0.4)), ...count(rows, k => number(k, -0.4, k + 0.5)),
    ...lines.map(([name, d]) => make("path", { d, class: `swin-line ${name}` })),
    make("path", { d: `M${chosen[1]} ${chosen[0]}h1v1h-1Z`, class: "swin-line swin-chosen" })));
  const pick = explore(svg, {
    rows, columns, chosen, choose,
    enter: (row, column) => reachable(svg.querySelector(`[data-cell="${row},${column}"]`), 0),
    leave: cell => reachable(cell, -1),
  });
  return svg;
}

// The path between neighbouring cells whose value(row, column) differs, while their within(row, column) agrees.
function borders(rows, columns, value, within = () => 0) {
  let path = "";
  const differ = (r, c, y, x) => value(r, c) !== value(y, x) && within(r, c) === within(y, x);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      if (r && differ(r, c, r - 1, c)) path += `M${c} ${r}h1`;
      if (c && differ(r, c, r, c - 1)) path += `M${c} ${r}v1`;
    }
  }
  return path;
}

// What the signs mean: [[what a cell holds, words], ...].
const legend = entries => make("ul", { class: "swin-legend" }, ...entries.map(([content, words]) => make("li", {},
  make("svg", { viewBox: "-.05 -.05 1.1 1.1", "aria-hidden": "true" }, ...cellContent(content)), words)));

// One control with its label; set(value) takes what the reader chose.
function input({ name, label, values, texts, live: attributes }, value, live, set) {
  if (values.length === 2 && values.every(each => typeof each === "boolean")) {
    const box = make("input", { type: "checkbox", name, checked: value, onchange: () => set(box.checked) });
    return make("label", { class: "swin-control" }, box, label);
  }
  const id = `swin-${Math.random().toString(36).slice(2)}`; // ties the label to the field, in this page only
  const options = () => texts.map((text, k) => make("option", { selected: values[k] === value }, text));
  if (!live || !attributes) {
    const list = make("select", { id, name, onchange: () => set(values[list.selectedIndex]) }, ...options());
    return make("div", { class: "swin-control" }, make("label", { for: id }, label), list);
  }
  const take = () => set(field.type === "number" ? field.valueAsNumber : field.value);
  const onkeydown = event => { if (event.key === "Enter") take(); }; // JupyterLab keeps Enter from the browser
  const field = make("input", { ...attributes, id, name, value, onchange: take, onkeydown });
  return make("div", { class: "swin-control" }, make("label", { for: id }, label), field);
}

// Build a figure in root and return the function that shows an answer. ask(values) is called for a new one.
function mount(root, spec, live, ask) {
  const values = Object.fromEntries(spec.controls.map(control => [control.name, control.start])), state = {};
  const stage = make("div"), notes = make("div");
  const sentence = make("p", { class: "swin-words", role: "status", "aria-live": "polite" });
  const say = text => { if (sentence.textContent !== text) sentence.textContent = text; };
  const controls = spec.controls.map(control => input(control, control.start, live, value => {
    values[control.name] = value;
    if (control.view) redraw(); else ask(values);
  }));
  let data;
  function redraw() {
    const { error } = data;
    sentence.classList.toggle("swin-error", error !== undefined);
    if (error === undefined) { draw({ data, values, state, stage, notes, words: spec.words, say, redraw }); return; }
    stage.replaceChildren();
    notes.replaceChildren();
    say(error);
  }
  root.addEventListener("focusin", ({ target }) => target.closest("[role=grid]")?.onCome(target));
  root.addEventListener("focusout", ({ target, relatedTarget }) => {
    const grid = target.closest("[role=grid]"); // it keeps the focus when only the window loses it
    if (grid && ![relatedTarget, document.activeElement].some(each => grid.contains(each))) grid.onGone();
  });
  root.classList.add("swin-figure");
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves Enter and the arrow keys to the figure
  root.replaceChildren(make("style", {}, CSS), make("figcaption", {}, spec.caption),
    make("div", { class: "swin-controls" }, ...controls), stage, sentence, notes);
  return answer => { data = answer; redraw(); };
}

// In a page: the answers to all offered values are in the table.
function startInPage(key, { spec, pool, table }) {
  const unpack = value => {
    if (typeof value === "string") return value[0] === "@" ? pool[value.slice(1)] : value;
    if (Array.isArray(value)) return value.map(unpack);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unpack(each)]));
  };
  pool.forEach((list, k) => { pool[k] = unpack(list); }); // an entry names only earlier ones
  const computed = spec.controls.filter(control => !control.view);
  const place = values => computed.reduce((k, { name, values: all }) => k * all.length + all.indexOf(values[name]), 0);
  for (const root of document.querySelectorAll(`[data-figure="${key}"]:not([data-ready])`)) {
    root.dataset.ready = "";
    const ask = values => show(unpack(table[place(values)]));
    const show = mount(root, spec, false, ask);
    ask(Object.fromEntries(spec.controls.map(control => [control.name, control.start])));
  }
}

// In a live notebook: Python answers.
function startLive({ model, el }) {
  const spec = model.get("spec"), root = make("figure");
  const computed = spec.controls.filter(control => !control.view);
  const show = mount(root, spec, true, values => {
    model.set("question", Object.fromEntries(computed.map(({ name }) => [name, values[name]])));
    model.save_changes();
  });
  const listen = () => show(model.get("answer").data);
  model.on("change:answer", listen);
  listen();
  el.append(root);
  return () => model.off("change:answer", listen);
}
