// Where a token looks. data: tokens (for each window the numbers of its tokens), weights (for each head and window N * N
// per cents, query by query), allowed (for each window N * N zeros and ones), size of the map, pixels of a token's side,
// ink (rows of the image, 0 or 1), label, read, sure. values.head counts from 1; 0 is the mean over the heads.
const LIGHT = 46; // letters are black below this share
// From white over the blue of the pictures to black: on light and dark pages alike, darkness is the weight.
const shade = percent => {
  const [from, to, part] = percent < 49 ? [[255, 255, 255], [0, 114, 178], percent / 49]
    : [[0, 114, 178], [0, 0, 0], (percent - 49) / 51];
  return `rgb(${from.map((each, k) => Math.round(each + (to[k] - each) * part)).join(" ")})`;
};

function draw({ data, values, state, stage, notes, words, say, redraw }) {
  const { tokens, weights, allowed, size, pixels, ink } = data, heads = weights.length;
  // the same place in the image when the map changes; at first up and left of the middle
  const first = (Math.max(Math.floor(size / 2) - 1, 0) + 0.5) / size;
  state.point ??= [first, first];
  const [row, column] = state.point.map(place => Math.min(size - 1, Math.floor(place * size)));
  const query = row * size + column, number = tokens.findIndex(each => each.includes(query));
  const mates = tokens[number], from = mates.indexOf(query) * mates.length;

  const head = Math.min(values.head, heads), used = head ? [weights[head - 1]] : weights;
  const share = k => used.reduce((sum, each) => sum + each[number][from + k], 0) / used.length;
  const looked = new Map(); // token -> share in per cent, of those that it may look at
  mates.forEach((token, k) => { if (allowed[number][from + k]) looked.set(token, share(k)); });

  const onInk = (r, c) => ink.slice(r * pixels, (r + 1) * pixels).some(
    line => line.slice(c * pixels, (c + 1) * pixels).some(Boolean));
  const svg = board({
    rows: size, columns: size, label: words.map, chosen: [row, column],
    choose: (r, c) => { state.point = [(r + 0.5) / size, (c + 0.5) / size]; redraw(); },
    cell(r, c) {
      const token = r * size + c, on_ink = onInk(r, c) ? words.on_ink : "";
      const here = { row: r, column: c, share: Math.round(looked.get(token)), on_ink };
      if (!looked.has(token)) return { label: fill(mates.includes(token) ? words.cell_masked : words.cell_out, here) };
      return { text: here.share, label: fill(token === query ? words.cell_self : words.cell, here) };
    },
    lines: [["", borders(size, size, (r, c) => looked.has(r * size + c))]],
  });
  for (const cell of svg.querySelectorAll("[data-cell]")) {
    const [r, c] = cell.dataset.cell.split(",").map(Number), percent = looked.get(r * size + c);
    if (percent === undefined) continue;
    cell.querySelector("rect").setAttribute("style", `fill: ${shade(percent)}`);
    cell.querySelector("text").setAttribute("style", `fill: ${percent < LIGHT ? "#000" : "#fff"}`);
  }
  // the digit, an outline over the tokens, since a shadow would darken them; in units of pixels
  const side = ink.length + 2, framed = (r, c) => ink[r - 1]?.[c - 1] ?? 0;
  svg.append(make("path", {
    d: borders(side, side, framed), transform: `scale(${1 / pixels}) translate(-1 -1)`, "aria-hidden": "true",
    style: `fill: none; stroke: #009e73; stroke-width: ${(0.05 * pixels).toFixed(2)}; pointer-events: none` }));
  stage.replaceChildren(svg);

  notes.replaceChildren(
    make("ul", { class: "swin-legend" },
      make("li", {}, make("svg", { viewBox: "-.1 -.1 1.2 1.2", "aria-hidden": "true" },
        make("path", { d: "M0 0h1v1h-1Z", class: "swin-line swin-chosen" })), words.token),
      make("li", {}, make("svg", { viewBox: "-.05 -.05 1.1 1.1", "aria-hidden": "true" },
        make("rect", { width: 1, height: 1, style: `fill: ${shade(30)}` }),
        make("text", { x: 0.5, y: 0.5, class: "swin-text", style: "fill: #000" }, "30")), words.window)),
    make("p", { class: "swin-note" }, `${fill(words.ink, data)} ${fill(words.reading, data)}`));

  const others = [...looked].filter(([token]) => token !== query).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const own = looked.get(query), [there, most] = others[0] ?? [query, 0];
  const there_row = Math.floor(there / size), there_column = there % size;
  const far = Math.max(Math.abs(there_row - row), Math.abs(there_column - column));
  const numbers = {
    row, column, own: Math.round(own), most: Math.round(most), there_row, there_column,
    where: far === 1 ? "its neighbour" : `${far} tokens away`,
    head: fill(head ? (values.head > heads ? words.last_head : words.head) : words.mean, { number: head, heads }),
  };
  say([
    fill(own >= most ? words.self_most : words.sentence, numbers),
    looked.size < mates.length ? fill(words.cut, { reached: looked.size, full: mates.length }) : "",
    mates.length === size * size ? words.whole : "",
  ].filter(Boolean).join(" "));
}
