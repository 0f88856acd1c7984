// For figures on which somebody draws while a model reads: a pen, and what is read. A sheet has side x side pixels, and
// what is drawn is a bitmap of as many zeros and ones, row by row. Places are [row, column], in pixels.

// ---- The pen

// Put ink on everything within a radius of the line from one place to another.
function inkLine(bitmap, side, radius, [r0, c0], [r1, c1]) {
  const length = (r1 - r0) ** 2 + (c1 - c0) ** 2;
  bitmap.forEach((_, k) => {
    const r = Math.floor(k / side) + 0.5, c = k % side + 0.5;
    const along = length ? Math.max(0, Math.min(1, ((r - r0) * (r1 - r0) + (c - c0) * (c1 - c0)) / length)) : 0;
    if (Math.hypot(r - r0 - along * (r1 - r0), c - c0 - along * (c1 - c0)) <= radius) bitmap[k] = 1;
  });
}

// Listen to a canvas. state has the pen's place, whether it is down, and whether keys move it; ink(from, to), erase()
// and show() act. An arrow key moves the pen by two pixels.
function listenToPen(sheet, state, { side, ink, erase, show }) {
  Object.assign(state, { pen: [side / 2, side / 2], down: false, keys: false });
  const moves = { ArrowUp: [-2, 0], ArrowDown: [2, 0], ArrowLeft: [0, -2], ArrowRight: [0, 2] };
  let last = null, frame = null;
  const point = event => {
    const box = sheet.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height * side, (event.clientX - box.left) / box.width * side];
  };
  const soon = () => { // once for each picture that the screen shows
    frame ??= requestAnimationFrame(() => { frame = null; show(); });
  };
  const drawTo = event => {
    for (const each of event.getCoalescedEvents?.() ?? []) { ink(last, point(each)); last = point(each); }
    ink(last, point(event));
    last = point(event);
    soon();
  };
  sheet.addEventListener("pointerdown", event => {
    if (event.button) return;
    sheet.setPointerCapture(event.pointerId);
    Object.assign(state, { keys: false, down: false });
    last = point(event);
    drawTo(event);
  });
  sheet.addEventListener("pointermove", event => { if (last) drawTo(event); });
  for (const end of ["pointerup", "pointercancel"]) sheet.addEventListener(end, () => { last = null; });
  sheet.addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const move = moves[event.key], before = state.pen;
    if (move) state.pen = before.map((place, k) => Math.max(0, Math.min(side, place + move[k])));
    else if (event.key === " ") state.down = !state.down;
    else if (event.key === "Delete" || event.key === "Backspace") { erase(); return; }
    else return;
    event.preventDefault(); // space would scroll the page
    event.stopPropagation(); // elsewhere, arrow keys turn pages
    state.keys = true;
    if (state.down) ink(before, state.pen);
    soon();
  });
  for (const change of ["focus", "blur"]) sheet.addEventListener(change, soon);
}

// The pen on a sheet that keys move it on: a ring, filled while it is down.
function paintPen(sheet, side, radius, { pen: [row, column], down, keys }) {
  if (!keys || !sheet.matches(":focus")) return;
  const context = sheet.getContext("2d"), pixel = sheet.width / side;
  context.beginPath();
  context.arc(column * pixel, row * pixel, radius * pixel, 0, 2 * Math.PI);
  context.lineWidth = 3;
  context.strokeStyle = context.fillStyle = "#d55e00";
  context.stroke();
  if (down) context.fill();
}

// ---- What is read

function percents(logits) {
  const shares = logits.slice();
  softmax(shares, shares.length);
  return shares.map(share => 100 * share);
}

// A bar for each name, which begin so many rows' heights from the left; set(chances) takes per cent.
function chanceBars(names, begin, label) {
  const text = (row, x, content) =>
    make("text", { x, y: row + 0.75, style: "font-size: .7px; fill: currentColor" }, content);
  const bars = names.map((_, row) => make("rect", {
    x: begin, y: row + 0.15, width: 0, height: 0.7, style: "fill: #0072b2; stroke: none" }));
  const shares = names.map((_, row) => text(row, begin, ""));
  const svg = make("svg", {
    viewBox: `0 0 ${begin + 12.6} ${names.length}`, role: "img", "aria-label": label,
    style: "display: block; width: 100%; max-width: 24rem",
  }, ...names.map((name, row) => text(row, 0.3, name)), ...bars, ...shares);
  const set = chances => bars.forEach((bar, row) => {
    bar.setAttribute("width", chances[row] / 10);
    shares[row].setAttribute("x", begin + 0.2 + chances[row] / 10);
    shares[row].textContent = chances[row] >= 0.5 ? Math.round(chances[row]) : "";
  });
  return { svg, set };
}

// The two likeliest classes, with their chances in whole per cent.
function likeliest(chances) {
  const [read, next] = [...chances.keys()].sort((a, b) => chances[b] - chances[a]);
  return { read, sure: Math.round(chances[read]), next, less: Math.round(chances[next]) };
}

// ---- Parts of such a figure

// A button that a finger hits.
const WIDE = "box-sizing: border-box; min-width: 2.75rem; min-height: 2.75rem; padding: .3rem .7rem; font: inherit; "
  + "color: #111; background: #fff; border: 1px solid #767676; border-radius: 4px; cursor: pointer";
const button = (name, onclick) => make("button", { type: "button", onclick, style: WIDE }, name);

// A sheet to draw on, of 256 x 256 pixels on the screen.
const sheetOf = label => make("canvas", {
  width: 256, height: 256, tabindex: 0, role: "application", "aria-label": label, class: "swin-sheet",
  style: "display: block; box-sizing: border-box; width: 100%; max-width: 256px; border: 1px solid #767676; "
    + "border-radius: 4px; touch-action: none; cursor: crosshair",
});

// A small picture of so many pixels, enlarged.
const smallPicture = (width, height, label, wide = "96px") => make("canvas", {
  width, height, role: "img", "aria-label": label,
  style: `display: block; width: ${wide}; height: auto; aspect-ratio: 1; image-rendering: pixelated; border-radius: 4px` });

const note = sentence => make("p", { class: "swin-note" }, sentence);
// What changes its size stands below of what is pressed: a button that moves away under a finger is not pressed.
const column = (grow, ...parts) => make("div", { style: `flex: ${grow}; min-width: 0` }, ...parts);
const columns = (...parts) => make("div", { style: "display: flex; flex-wrap: wrap; gap: 1rem 1.5rem" }, ...parts);
const inRow = (...parts) => make("div", {
  style: "display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin-top: .5rem" }, ...parts);
