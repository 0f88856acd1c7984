// A token's view of the image. data: imageSize; pixels of a token's side; block; bands, for each row (and column) of
// tokens the first that it hears from and the one after the last; last, the same of the last block; that block's shift.
function draw({ data, state, stage, notes, words, say, redraw }) {
  const { bands, last, pixels, imageSize } = data, size = bands.length, both = data.block === "both";
  state.point ??= data.start; // in units of the image, so that another stage shows the same place
  const index = k => Math.min(size - 1, Math.floor(state.point[k] * size));
  const row = index(0), column = index(1), [top, bottom] = bands[row], [left, right] = bands[column];
  const [above, below] = last[row], [before, after] = last[column];

  // Thousands of tokens: the grid has only the one that the keyboard is at.
  const inside = (r, c, [y, x], [to_y, to_x]) => y <= r && r < to_y && x <= c && c < to_x;
  function tokenAt(r, c) {
    const here = r === row && c === column;
    const where = here ? words.is_chosen
      : inside(r, c, [above, before], [below, after]) ? words.is_reached
      : both && inside(r, c, [top, left], [bottom, right]) ? words.is_heard : words.is_beyond;
    const cell = make("rect", {
      x: c * pixels, y: r * pixels, width: pixels, height: pixels, style: "fill: transparent; stroke: none",
      role: "gridcell", "aria-colindex": c + 1, "aria-selected": String(here), tabindex: 0, "data-cell": `${r},${c}`,
      "aria-label": fill(words.cell, { row: r, column: c, where }),
    });
    svg.append(make("g", { role: "row", "aria-rowindex": r + 1 }, cell));
    return cell;
  }
  function onclick(event) {
    const box = svg.getBoundingClientRect(), at = k => Math.max(0, Math.min(size - 1, Math.floor(k * size)));
    pick(at((event.clientY - box.top) / box.height), at((event.clientX - box.left) / box.width));
  }
  // an outline in black on white shows on any image
  const outline = (d, width, dash = "") => [["#fff", width + 1.6], ["#000", width]].map(([stroke, w]) =>
    make("path", { d, fill: "none", stroke, "stroke-width": w, "stroke-dasharray": stroke === "#000" && dash }));
  const box = (x, y, w, h) => `M${x * pixels} ${y * pixels}h${w * pixels}v${h * pixels}h${-w * pixels}Z`;
  const cuts = [...new Set(bands.map(band => band[0]))].slice(1).map(k => k * pixels);
  const grid = cuts.map(k => `M${k} 0V${imageSize}M0 ${k}H${imageSize}`).join("");
  const veil = `M0 0h${imageSize}v${imageSize}h${-imageSize}Z` + box(left, top, right - left, bottom - top);
  const svg = make("svg", {
    viewBox: `-2 -2 ${imageSize + 4} ${imageSize + 4}`, class: "swin-board", style: "max-width: 30rem; cursor: crosshair",
    role: "grid", "aria-label": words.map, "aria-rowcount": size, "aria-colcount": size,
    "data-token": `${row},${column}`, onclick,
  },
  make("image", { href: data.image[0], width: imageSize, height: imageSize, "aria-hidden": "true" }),
  make("path", { d: veil, fill: "#fff", "fill-opacity": 0.66, "fill-rule": "evenodd" }),
  make("path", { d: grid, stroke: "#000", "stroke-width": 1, fill: "none" }),
  ...(both ? outline(box(left, top, right - left, bottom - top), 2) : []),
  ...outline(box(before, above, after - before, below - above), 2, "6 3"),
  ...outline(box(column, row, 1, 1), 1.6));
  const pick = explore(svg, {
    rows: size, columns: size, unit: pixels, chosen: [row, column],
    enter: tokenAt, leave: cell => cell.parentNode.remove(),
    choose: (r, c) => { state.point = [(r + 0.5) / size, (c + 0.5) / size]; redraw(); },
  });
  stage.replaceChildren(svg);

  const key = (large, dash, text) => make("li", {},
    make("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" },
      make("path", { d: large ? "M2 2h16v16h-16Z" : "M6 6h8v8h-8Z", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": dash })),
    make("span", {}, text));
  notes.replaceChildren(
    make("ul", { class: "swin-legend" }, key(false, "", words.token), key(true, "4 2", words.reached),
      ...(both ? [key(true, "", words.heard)] : [])),
    make("p", { class: "swin-note" }, words.lines));
  const rows = bottom - top, columns = right - left, reached = rows * columns;
  say([
    fill(both ? words.sentence_of_both : words.sentence, {
      row, column, size, pixels, rows, columns, reached, height: rows * pixels, width: columns * pixels,
      last: (below - above) * (after - before),
    }),
    reached < data.full ? fill(words.cut, data) : "",
    data.block !== "plain" && !data.shift ? words.no_shift : "",
  ].filter(Boolean).join(" "));
}
