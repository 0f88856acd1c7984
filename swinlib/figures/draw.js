// Draw a digit; the model reads it in this page. data: examples (label, rows: 32 bits in hexadecimal digits, chances in
// per cent), mean and std of the pixels, whole: whether one can look in. values: mask, shift, position_bias, left_out
// (a block, 0 for none), block and head (0 is the mean of all).
const SIDE = 32, PEN = 2.1; // pixels of a side; radius of the pen

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
  const sheet = sheetOf(words.sheet), counts = smallPicture(8, 8, words.given);
  const chart = chanceBars(Array.from({ length: 10 }, (_, digit) => String(digit)), 1.4, words.chances);
  const looking = make("div", { style: "flex: 1 1 16rem; min-width: 0" });
  const load = example => {
    const bits = data.examples[example].rows.map(row => parseInt(row, 16).toString(2).padStart(SIDE, "0")).join("");
    Object.assign(state, { bitmap: Uint8Array.from(bits, Number), example, fits: false, down: false });
  };
  const begin = ({ label }, k) => button(String(label), () => { load(k); state.show(true); });
  const all = columns(
    column("0 1 18rem", sheet, inRow(button(words.erase, () => erase(state))),
      inRow(words.examples, ...data.examples.map(begin)), note(words.hint)),
    column("1 1 12rem", chart.svg, note(words.chances), counts, note(words.given)), looking);
  load(0);
  listenToPen(sheet, state, {
    side: SIDE, ink: (from, to) => ink(state, from, to), erase: () => erase(state), show: () => state.show(false) });
  return { all, sheet, counts, chart, looking };
}

function erase(state) {
  state.bitmap.fill(0);
  Object.assign(state, { fits: true, down: false, example: null });
  state.show(true);
}

function ink(state, from, to) {
  if (!state.bitmap.some(Boolean)) state.fits = true;
  state.example = null;
  inkLine(state.bitmap, SIDE, PEN, from, to);
}

// Show the drawing, what is read, and who looks where. While somebody draws, the sentence waits for a pause.
function show({ data, values, state, notes, words, say, redraw }, now) {
  const { sheet, counts: small, chart, looking } = state.parts;
  const { bitmap, model } = state, empty = !bitmap.some(Boolean);
  const counts = counted(state.fits ? fitted(bitmap) : bitmap);
  paint(sheet, bitmap);
  paintPen(sheet, SIDE, PEN, state);
  paintCounts(small, counts);

  const switches = {
    mask: values.mask ?? true, shift: values.shift ?? true, position_bias: values.position_bias ?? true,
    left_out: values.left_out || null,
  };
  const image = given(counts, data), found = model && !empty ? forward(model, image, switches) : null;
  const example = data.examples[state.example];
  const chances = found ? percents(found.logits) : example && !model ? example.chances : new Float32Array(10);
  chart.set(chances);
  const seen = data.whole && found ? look({ values, state, notes, words, redraw }, found) : "";
  if (!seen) { looking.replaceChildren(); notes.replaceChildren(); }

  const tell = () => {
    const usual = found && data.whole ? percents(forward(model, image).logits) : chances;
    const answer = likeliest(chances), best = likeliest(usual), [y, x] = state.pen;
    const waiting = state.failed ? fill(words.failed, { reason: state.failed }) : words.loading;
    say([
      empty ? words.empty : found || (example && !state.loading) ? fill(words.read, answer) : waiting,
      best.read !== answer.read ? fill(words.changed, best) : "",
      seen, state.keys ? fill(state.down ? words.pen_down : words.pen_up, { row: y, column: x }) : "",
    ].filter(Boolean).join(" "));
  };
  clearTimeout(state.pause);
  if (now) tell(); else state.pause = setTimeout(tell, 400);
}

// White on black, as the data are.
function paint(sheet, bitmap) {
  const context = sheet.getContext("2d"), pixel = sheet.width / SIDE;
  context.fillStyle = "#111";
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.fillStyle = "#fff";
  bitmap.forEach((on, k) => {
    if (on) context.fillRect(k % SIDE * pixel, Math.floor(k / SIDE) * pixel, pixel, pixel);
  });
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
