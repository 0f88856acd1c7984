// Draw a digit; the model reads it in this page. data: examples (label, rows: 32 bits in hexadecimal digits, chances in
// per cent), mean and std of the pixels, whole: whether one can look in. values: mask, shift, position_bias, left_out
// (a block, 0 for none), block and head (0 is the mean of all).
const SIDE = 32, PEN = 2.1, STEP = 2; // pixels of a side; radius of the pen; what an arrow key moves it by

// ---- From a drawing to what the model is given

// How many pixels are on in each block of 4x4, as the makers of the data counted.
function counted(bitmap) {
  const counts = new Uint8Array(64);
  bitmap.forEach((on, k) => { counts[8 * (k >> 7) + ((k % SIDE) >> 2)] += on; });
  return counts;
}

// The drawing in the size and at the place that all digits of the data have: as high as the sheet, in the middle of
// it, at most 24 wide. A small dot stays one.
function fitted(bitmap) {
  let [top, left, bottom, right] = [SIDE, SIDE, -1, -1];
  bitmap.forEach((on, k) => {
    if (!on) return;
    const row = Math.floor(k / SIDE), column = k % SIDE;
    [top, left, bottom, right] = [
      Math.min(top, row), Math.min(left, column), Math.max(bottom, row), Math.max(right, column)];
  });
  if (bottom < 0) return bitmap;
  const height = bottom - top + 1, width = right - left + 1, up = Math.min(3, SIDE / height);
  const across = Math.min(up, 24 / width);
  return bitmap.map((_, k) => {
    const row = top + height / 2 + (Math.floor(k / SIDE) + 0.5 - SIDE / 2) / up;
    const column = left + width / 2 + (k % SIDE + 0.5 - SIDE / 2) / across;
    const inside = row >= top && row < bottom + 1 && column >= left && column < right + 1;
    return inside ? bitmap[SIDE * Math.floor(row) + Math.floor(column)] : 0;
  });
}

// Counts as an image of 16x16 pixels in three equal channels, as swinlib.data reads the digits: bytes, enlarged by
// straight lines between the middles of cells, and standardised.
function given(counts, { mean, std }) {
  const grey = Float32Array.from(counts, count => Math.floor((count * 255 + 8) / 16));
  const wide = doubled(grey, 8, 8, (row, column) => 8 * row + column); // (row, 16 columns), then the rows alike
  const bytes = doubled(wide, 16, 8, (column, row) => 16 * row + column);
  const data = new Float32Array(3 * 256);
  for (let row = 0; row < 16; row++)
    for (let column = 0; column < 16; column++)
      for (const channel of [0, 1, 2])
        data[256 * channel + 16 * row + column] = (bytes[16 * column + row] / 255 - mean) / std;
  return { data, height: 16, width: 16 };
}

// Each line of so many numbers with twice as many, rounded; place(line, number) says where they stand.
function doubled(numbers, lines, count, place) {
  const found = new Float32Array(2 * lines * count);
  for (let line = 0; line < lines; line++)
    for (let k = 0; k < 2 * count; k++) {
      const near = k >> 1, far = Math.max(0, Math.min(count - 1, near + (k % 2 ? 1 : -1)));
      found[2 * count * line + k] =
        Math.floor(0.75 * numbers[place(line, near)] + 0.25 * numbers[place(line, far)] + 0.5);
    }
  return found;
}

function percents(logits) {
  const shares = logits.slice();
  softmax(shares, shares.length);
  return shares.map(share => 100 * share);
}

// ---- Looking in

// token -> share in per cent, for those that a token of a map (rows of so many tokens) may look at.
function lookedAt({ weights, mask, shift, window_size: [mh, mw], height, width }, map, head, row, column) {
  const tokens = mh * mw, across = width / mw, windows = height / mh * across;
  const heads = weights.length / (windows * tokens * tokens);
  const rolled = [(row - shift[0] + height) % height, (column - shift[1] + width) % width];
  const [top, left] = [Math.floor(rolled[0] / mh), Math.floor(rolled[1] / mw)], window = top * across + left;
  const query = rolled[0] % mh * mw + rolled[1] % mw, looked = new Map();
  const used = head ? [Math.min(head, heads) - 1] : Array.from({ length: heads }, (_, k) => k);
  for (let key = 0; key < tokens; key++) {
    if (mask && !mask[(window * tokens + query) * tokens + key]) continue;
    const y = (top * mh + Math.floor(key / mw) + shift[0]) % height, x = (left * mw + key % mw + shift[1]) % width;
    if (y >= map.height || x >= map.width) continue; // padding
    const share = k => weights[((window * heads + k) * tokens + query) * tokens + key];
    looked.set(y * map.width + x, 100 * used.reduce((sum, k) => sum + share(k), 0) / used.length);
  }
  return { looked, heads };
}

// ---- The figure

function draw(figure) {
  const { data, state, stage } = figure;
  state.parts ??= build(figure);
  if (!state.parts.sheet.isConnected) stage.replaceChildren(state.parts.all);
  state.show = now => show(figure, now); // with the values of this moment
  modelOf(figure);
  show(figure, true);
}

// The elements, which stay: a sheet that was replaced while somebody draws on it would lose the pen.
function build({ data, state, words }) {
  Object.assign(state, { bitmap: new Uint8Array(SIDE * SIDE), pen: [16, 16], down: false, keys: false });
  const sheet = make("canvas", {
    width: 256, height: 256, tabindex: 0, role: "application", "aria-label": words.sheet, class: "swin-sheet",
    style: "display: block; box-sizing: border-box; width: 100%; max-width: 256px; border: 1px solid #767676; "
      + "border-radius: 4px; touch-action: none; cursor: crosshair",
  });
  const counts = make("canvas", {
    width: 8, height: 8, role: "img", "aria-label": words.given,
    style: "display: block; width: 96px; height: 96px; image-rendering: pixelated; border-radius: 4px" });
  const button = (name, onclick) => make("button", {
    type: "button", onclick, style: "min-width: 2.75rem; min-height: 2.75rem; padding: .3rem .7rem; font: inherit; "
      + "color: #111; background: #fff; border: 1px solid #767676; border-radius: 4px; cursor: pointer" }, name);
  const digits = Array.from({ length: 10 }, (_, digit) => digit);
  const text = (digit, x, content) =>
    make("text", { x, y: digit + 0.75, style: "font-size: .7px; fill: currentColor" }, content);
  const bars = digits.map(digit =>
    make("rect", { x: 1.4, y: digit + 0.15, width: 0, height: 0.7, style: "fill: #0072b2; stroke: none" }));
  const shares = digits.map(digit => text(digit, 1.6, ""));
  const chart = make("svg", {
    viewBox: "0 0 14 10", role: "img", style: "display: block; width: 100%; max-width: 22rem",
    "aria-label": words.chances,
  }, ...digits.map(digit => text(digit, 0.3, String(digit))), ...bars, ...shares);
  const looking = make("div", { style: "flex: 1 1 16rem; min-width: 0" });
  const load = example => {
    const bits = data.examples[example].rows.map(row => parseInt(row, 16).toString(2).padStart(SIDE, "0")).join("");
    Object.assign(state, { bitmap: Uint8Array.from(bits, Number), example, fits: false, down: false });
  };
  const begin = ({ label }, k) => button(String(label), () => { load(k); state.show(true); });
  const note = sentence => make("p", { class: "swin-note" }, sentence);
  const column = (grow, ...parts) => make("div", { style: `flex: ${grow}; min-width: 0` }, ...parts);
  // What changes its size stands below of what is pressed: a button that moves away under a finger is not pressed.
  const row = (...parts) => make("div", {
    style: "display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin-top: .5rem" }, ...parts);
  const all = make("div", { style: "display: flex; flex-wrap: wrap; gap: 1rem 1.5rem" },
    column("0 1 18rem", sheet, row(button(words.erase, () => erase(state))),
      row(words.examples, ...data.examples.map(begin)), note(words.hint)),
    column("1 1 12rem", chart, note(words.chances), counts, note(words.given)), looking);
  load(0);
  listen(sheet, state);
  return { all, sheet, counts, bars, shares, chart, looking };
}

function erase(state) {
  state.bitmap.fill(0);
  Object.assign(state, { fits: true, down: false, example: null });
  state.show(true);
}

// Put ink on everything near the line from one point to another, in pixels.
function stroke(state, [r0, c0], [r1, c1]) {
  if (!state.bitmap.some(Boolean)) state.fits = true;
  state.example = null;
  const length = (r1 - r0) ** 2 + (c1 - c0) ** 2;
  state.bitmap.forEach((_, k) => {
    const r = Math.floor(k / SIDE) + 0.5, c = k % SIDE + 0.5;
    const along = length ? Math.max(0, Math.min(1, ((r - r0) * (r1 - r0) + (c - c0) * (c1 - c0)) / length)) : 0;
    if (Math.hypot(r - r0 - along * (r1 - r0), c - c0 - along * (c1 - c0)) <= PEN) state.bitmap[k] = 1;
  });
}

// Mouse, finger, pen and keys.
function listen(sheet, state) {
  let last = null;
  const point = event => {
    const box = sheet.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height * SIDE, (event.clientX - box.left) / box.width * SIDE];
  };
  const soon = () => { // once for each picture that the screen shows
    state.frame ??= requestAnimationFrame(() => { state.frame = null; state.show(false); });
  };
  const draw_to = event => {
    for (const each of event.getCoalescedEvents?.() ?? []) { stroke(state, last, point(each)); last = point(each); }
    stroke(state, last, point(event));
    last = point(event);
    soon();
  };
  sheet.addEventListener("pointerdown", event => {
    if (event.button) return;
    sheet.setPointerCapture(event.pointerId);
    Object.assign(state, { keys: false, down: false });
    last = point(event);
    draw_to(event);
  });
  sheet.addEventListener("pointermove", event => { if (last) draw_to(event); });
  for (const end of ["pointerup", "pointercancel"]) sheet.addEventListener(end, () => { last = null; });
  const moves = { ArrowUp: [-STEP, 0], ArrowDown: [STEP, 0], ArrowLeft: [0, -STEP], ArrowRight: [0, STEP] };
  sheet.addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const move = moves[event.key], before = state.pen;
    if (move) state.pen = before.map((place, k) => Math.max(0, Math.min(SIDE, place + move[k])));
    else if (event.key === " ") state.down = !state.down;
    else if (event.key === "Delete" || event.key === "Backspace") { erase(state); return; }
    else return;
    event.preventDefault(); // space would scroll the page
    event.stopPropagation(); // elsewhere, arrow keys turn pages
    state.keys = true;
    if (state.down) stroke(state, before, state.pen);
    soon();
  });
  for (const change of ["focus", "blur"]) sheet.addEventListener(change, soon);
}

// Show the drawing, what is read, and who looks where. While somebody draws, the sentence waits for a pause.
function show({ data, values, state, notes, words, say, redraw }, now) {
  const { sheet, counts: small, bars, shares, looking } = state.parts;
  const { bitmap, model } = state, empty = !bitmap.some(Boolean);
  const counts = counted(state.fits ? fitted(bitmap) : bitmap);
  paint(sheet, bitmap, state.keys && sheet.matches(":focus") ? state.pen : null, state.down);
  paintCounts(small, counts);

  const switches = {
    mask: values.mask ?? true, shift: values.shift ?? true, position_bias: values.position_bias ?? true,
    left_out: values.left_out || null,
  };
  const image = given(counts, data), found = model && !empty ? forward(model, image, switches) : null;
  const example = data.examples[state.example];
  const chances = found ? percents(found.logits) : example && !model ? example.chances : new Float32Array(10);
  bars.forEach((bar, digit) => {
    bar.setAttribute("width", chances[digit] / 10);
    shares[digit].setAttribute("x", 1.6 + chances[digit] / 10);
    shares[digit].textContent = chances[digit] >= 0.5 ? Math.round(chances[digit]) : "";
  });
  const seen = data.whole && found ? look({ values, state, notes, words, redraw }, found) : "";
  if (!seen) { looking.replaceChildren(); notes.replaceChildren(); }

  const tell = () => {
    const order = [...chances.keys()].sort((a, b) => chances[b] - chances[a]);
    const [sure, less] = order.map(digit => Math.round(chances[digit]));
    const usual = found && data.whole ? percents(forward(model, image).logits) : chances;
    const best = usual.indexOf(Math.max(...usual)), [y, x] = state.pen;
    const answer = { read: order[0], sure, next: order[1], less };
    const waiting = state.failed ? fill(words.failed, { reason: state.failed }) : words.loading;
    say([
      empty ? words.empty : found || (example && !state.loading) ? fill(words.read, answer) : waiting,
      best !== order[0] ? fill(words.changed, { read: best, sure: Math.round(usual[best]) }) : "",
      seen, state.keys ? fill(state.down ? words.pen_down : words.pen_up, { row: y, column: x }) : "",
    ].filter(Boolean).join(" "));
  };
  clearTimeout(state.pause);
  if (now) tell(); else state.pause = setTimeout(tell, 400);
}

// White on black, as the data are; the pen as a ring, filled while it is down.
function paint(sheet, bitmap, pen, down) {
  const context = sheet.getContext("2d"), pixel = sheet.width / SIDE;
  context.fillStyle = "#111";
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.fillStyle = "#fff";
  bitmap.forEach((on, k) => {
    if (on) context.fillRect(k % SIDE * pixel, Math.floor(k / SIDE) * pixel, pixel, pixel);
  });
  if (!pen) return;
  context.beginPath();
  context.arc(pen[1] * pixel, pen[0] * pixel, PEN * pixel, 0, 2 * Math.PI);
  context.lineWidth = 3;
  context.strokeStyle = context.fillStyle = "#d55e00";
  context.stroke();
  if (down) context.fill();
}

function paintCounts(canvas, counts) {
  const context = canvas.getContext("2d"), picture = context.createImageData(8, 8);
  counts.forEach((count, k) => picture.data.set([...Array(3).fill(Math.floor((count * 255 + 8) / 16)), 255], 4 * k));
  context.putImageData(picture, 0, 0);
}

// Draw the map of tokens, and return what the chosen one looks at, in words.
function look({ values, state, notes, words, redraw }, found) {
  const { looking } = state.parts, { tokens, attention } = found.blocks[values.block - 1];
  if (!attention) { looking.replaceChildren(); notes.replaceChildren(); return words.left_out; }
  state.point ??= [0.45, 0.45]; // the same place in the image when the map changes
  const [row, column] = [Math.floor(state.point[0] * tokens.height), Math.floor(state.point[1] * tokens.width)];
  const { looked, heads } = lookedAt(attention, tokens, values.head, row, column), self = row * tokens.width + column;
  const focused = looking.contains(document.activeElement);
  const svg = board({
    rows: tokens.height, columns: tokens.width, label: words.map, chosen: [row, column],
    choose: (r, c) => { state.point = [(r + 0.5) / tokens.height, (c + 0.5) / tokens.width]; redraw(); },
    cell(r, c) {
      const token = r * tokens.width + c, here = { row: r, column: c, share: Math.round(looked.get(token)) };
      if (!looked.has(token)) return { label: fill(words.cell_out, here) };
      return { text: here.share, label: fill(token === self ? words.cell_self : words.cell, here) };
    },
    lines: [["", borders(tokens.height, tokens.width, (r, c) => looked.has(r * tokens.width + c))]],
  });
  for (const cell of svg.querySelectorAll("[data-cell]")) {
    const [r, c] = cell.dataset.cell.split(",").map(Number), share = looked.get(r * tokens.width + c);
    if (share === undefined) continue;
    const opacity = (0.12 + 0.88 * share / 100).toFixed(2);
    cell.querySelector("rect").setAttribute("style", `fill: #56b4e9; fill-opacity: ${opacity}`);
  }
  looking.replaceChildren(svg);
  if (focused) svg.querySelector('[tabindex="0"]').focus({ preventScroll: true });
  notes.replaceChildren(make("ul", { class: "swin-legend" },
    make("li", {}, make("svg", { viewBox: "-.1 -.1 1.2 1.2", "aria-hidden": "true" },
      make("path", { d: "M0 0h1v1h-1Z", class: "swin-line swin-chosen" })), words.token),
    make("li", {}, make("svg", { viewBox: "-.05 -.05 1.1 1.1", "aria-hidden": "true" },
      make("rect", { width: 1, height: 1, style: "fill: #56b4e9; fill-opacity: .56" }),
      make("text", { x: 0.5, y: 0.5, class: "swin-text" }, "50")), words.window)));
  const [there, most] = [...looked].reduce((best, each) => (each[1] > best[1] ? each : best));
  const [there_row, there_column] = [Math.floor(there / tokens.width), there % tokens.width];
  return fill(there === self ? words.looks_at_itself : words.looks, {
    row, column, most: Math.round(most), there_row, there_column,
    head: fill(values.head ? words.head : words.mean, { number: Math.min(values.head, heads), heads }),
  });
}
