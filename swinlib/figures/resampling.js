// How each output is made. data: input and output, lists of rows; pad, cells of padding round the input, and cut, cells
// round the output that are thrown away, as [rows, columns]; taps, for rows and columns and each output a list of
// [place of the input, place in the kernel]; kernel, the weights; winners of max pooling.
function draw({ data, state, stage, notes, words, say, redraw }) {
  const { operation, pad, cut, taps, kernel, winners } = data, pooled = operation === "max";
  const size = map => [map.length, map[0].length];
  const [height, width] = size(data.input), full = size(data.output), result = full.map((n, k) => n - 2 * cut[k]);
  const place = (row, column) => height === 1 ? String(column) : fill(words.place, { row, column });

  // every pair that is connected: the output, the input (may be padding), the weight, and whether it wins
  const pairs = [];
  taps[0].forEach((rows, r) => taps[1].forEach((columns, c) => {
    for (const [y, i] of rows) for (const [x, j] of columns) {
      const wins = !pooled || (winners[r][c][0] === y && winners[r][c][1] === x);
      pairs.push({ r: r - cut[0], c: c - cut[1], y, x, weight: kernel ? kernel[i][j] : 1, wins });
    }
  }));
  const inside = (y, x) => y >= 0 && x >= 0 && y < height && x < width;
  const kept = (r, c) => r >= 0 && c >= 0 && r < result[0] && c < result[1];
  const outputAt = (r, c) => data.output[r + cut[0]][c + cut[1]];
  const valueAt = (y, x) => inside(y, x) ? data.input[y][x] : pooled ? "−∞" : 0;

  // what is chosen: an output, or an input; each board remembers its own
  const limit = ([r, c], [rows, columns], [a, b]) => [
    Math.max(-a, Math.min(rows - 1 + a, r)), Math.max(-b, Math.min(columns - 1 + b, c))];
  state.side ??= "output";
  state.output = limit(state.output ?? [0, 0], result, cut);
  state.input = limit(state.input ?? [0, 0], size(data.input), pad);
  const fromOutput = state.side === "output";
  const mine = pairs.filter(fromOutput
    ? p => p.r === state.output[0] && p.c === state.output[1]
    : p => p.y === state.input[0] && p.x === state.input[1]);

  // one of the two maps; margin: cells round it that are padding or thrown away, counted from below 0
  function map(side, [rows, columns], margin, value, outside, find) {
    const active = state.side === side, cells = [];
    const svg = board({
      rows: rows + 2 * margin[0], columns: columns + 2 * margin[1], label: words[side],
      chosen: [state[side][0] + margin[0], state[side][1] + margin[1]],
      choose: (r, c) => { state.side = side; state[side] = [r - margin[0], c - margin[1]]; redraw(); },
      cell(r, c) {
        const row = r - margin[0], column = c - margin[1], out = outside(row, column);
        const pair = active ? undefined : find(row, column), fields = { place: place(row, column), value: value(row, column) };
        let label = words.label, kind = "plain", note = "";
        if (pair) {
          [label, kind, note] = kernel ? [words.label_weight, "reached", `×${pair.weight}`]
            : !pooled ? [words.label_copied, "reached", "="]
            : pair.wins ? [words.label_winner, "reached", "max"] : [words.label_loser, "window", "≤"];
          fields.weight = pair.weight;
        } else if (active && row === state[side][0] && column === state[side][1]) kind = "self";
        cells.push(note);
        label = fill(label, fields);
        if (out) label = fill(words.outside, { label, what: side === "input" ? words.padding : words.cut_off });
        return { kind, text: fields.value, hatch: out, label };
      },
      lines: [["", `M${margin[1]} ${margin[0]}h${columns}v${rows}h${-columns}Z`]],
    });
    // the weight below the number, as a sign that needs no colour
    svg.querySelectorAll("[role=gridcell]").forEach((cell, k) => {
      if (!cells[k]) return;
      cell.querySelector("text")?.setAttribute("y", 0.36);
      const kind = cells[k] === "≤" ? "window" : "reached";
      cell.append(make("text", { x: 0.5, y: 0.78, class: `swin-text swin-corner swin-on-${kind}` }, cells[k]));
    });
    // the numbers at the edges count without the margin
    const numbers = svg.querySelectorAll(".swin-number"), across = columns + 2 * margin[1];
    numbers.forEach((number, k) => {
      const n = k < across ? k - margin[1] : k - across - margin[0], end = k < across ? columns : rows;
      number.textContent = n >= 0 && n < end ? n : "";
    });
    svg.classList.toggle("swin-idle", !active);
    return svg;
  }

  // the frame stays when a cell is chosen, so that the keyboard's focus stays too
  if (!state.frame) {
    state.boxes = ["input", "output"].map(name => make("div", { style: "flex: 1 1; min-width: 0" },
      make("p", { class: "swin-note" }, words[name]), state[`${name}Box`] = make("div")));
    const go = step => {
      const [rows, columns] = state.result, [r, c] = limit(state.output, state.result, [0, 0]);
      const next = (r * columns + c + step + rows * columns) % (rows * columns);
      state.output = [Math.floor(next / columns), next % columns];
      state.side = "output";
      state.redraw();
    };
    state.size = make("p", { style: "margin: 0 0 .4rem" });
    state.frame = make("div", {},
      make("style", {}, ".swin-figure .swin-idle:not(:has(:focus-visible)) .swin-chosen { display: none; }"),
      state.size,
      make("div", { style: "display: flex; flex-wrap: wrap; gap: .25rem 1.5rem" }, ...state.boxes),
      make("div", { class: "swin-controls", style: "margin: .6rem 0 0" },
        button(words.previous, () => go(-1)), button(words.next, () => go(1))));
  }
  state.redraw = redraw;
  state.result = result;
  state.size.textContent = data.size;
  for (const box of state.boxes) box.style.flexBasis = height === 1 ? "100%" : "15rem"; // lines stand one below the other
  if (stage.firstChild !== state.frame) stage.replaceChildren(state.frame);
  state.inputBox.replaceChildren(map("input", size(data.input), pad, valueAt, (r, c) => !inside(r, c),
    (y, x) => mine.find(p => p.y === y && p.x === x)));
  state.outputBox.replaceChildren(map("output", result, cut, outputAt, (r, c) => !kept(r, c),
    (r, c) => mine.find(p => p.r === r && p.c === c)));

  const entries = [[{ kind: "self" }, words.chosen]];
  if (kernel) entries.push([{ kind: "reached", text: "×" }, words.connected]);
  else if (pooled) {
    entries.push([{ kind: "reached" }, words.winner], [{ kind: "window", text: "≤" }, words.loser]);
  } else entries.push([{ kind: "reached", text: "=" }, words.copied]);
  if (pad[1]) entries.push([{ hatch: true }, words.padding]);
  if (cut[1]) entries.push([{ hatch: true }, words.cut_off]);
  notes.replaceChildren(legend(entries));
  if (kernel) {
    const [rows, columns] = size(kernel);
    const cell = (number, r, c) => make("g", { transform: `translate(${c} ${r})` }, ...cellContent({ text: number }));
    notes.append(make("p", { class: "swin-note" }, words.kernel), make("svg", {
      viewBox: `-.05 -.05 ${columns + 0.1} ${rows + 0.1}`, style: `width: ${1.6 * columns}rem; max-width: 100%`,
      role: "img", "aria-label": `${words.kernel}: ${kernel.map(line => line.join(" ")).join(" / ")}`,
    }, ...kernel.flatMap((line, r) => line.map((number, c) => cell(number, r, c)))));
  }

  if (fromOutput) {
    const [row, column] = state.output, value = outputAt(row, column);
    const terms = pooled ? mine.map(p => valueAt(p.y, p.x)).join(", ")
      : mine.map(p => `${valueAt(p.y, p.x)}·${p.weight}`).join(" + ");
    const fields = { place: place(row, column), terms, value, from: mine.length && place(mine[0].y, mine[0].x) };
    const sentence = !mine.length ? words.none : pooled ? words.max : kernel ? words.sum : words.copy;
    say([fill(sentence, fields), kept(row, column) ? "" : words.cut].join(" ").trim());
  } else {
    const [row, column] = state.input, value = valueAt(row, column);
    const fields = { place: place(row, column), value, count: mine.length, won: mine.filter(p => p.wins).length };
    const sentence = !mine.length ? words.fan_none : pooled ? words.fan_max : kernel ? words.fan : words.fan_copy;
    say([inside(row, column) ? "" : words.is_padding, fill(sentence, fields)].join(" ").trim());
  }
}
