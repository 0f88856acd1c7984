// Whom a token may attend to. data: { size, shift, asked } and, as lists of rows, what stands at each position after
// the roll: token, window, region, group. Tokens of one group may attend to each other, as the mask says.
function draw({ data, values, state, stage, notes, words, say, redraw }) {
  const side = data.token.length, rolled = values.view === "rolled";
  // at[row][column]: all that is known of the token which stands there in the chosen view
  const at = Array.from({ length: side }, () => []), tokens = [];
  data.token.forEach((numbers, r) => numbers.forEach((number, c) => {
    const row = Math.floor(number / side), column = number % side, [y, x] = rolled ? [r, c] : [row, column];
    tokens.push(at[y][x] = {
      row, column, y, x, window: data.window[r][c], group: data.group[r][c], region: data.region[r][c],
      padding: row >= data.size || column >= data.size,
    });
  }));
  state.token ??= [1, 1]; // by its place in the image, so that it stays the same token in both views
  if (Math.max(...state.token) >= side) state.token = [0, 0];
  const self = tokens.find(t => t.row === state.token[0] && t.column === state.token[1]);

  function role(t) {
    if (t === self) return "self";
    if (t.group === self.group) return "reached";
    if (t.window === self.window) return values.mask ? "blocked" : "wrong";
    return "plain";
  }
  const looks = {
    self: { kind: "self", sign: "triangle" }, reached: { kind: "reached", sign: "dot" },
    wrong: { kind: "wrong", sign: "cross" }, blocked: { kind: "window", sign: "barred" }, plain: {},
  };
  stage.replaceChildren(
    board({
      rows: side, columns: side, label: words.map, chosen: [self.y, self.x],
      choose: (r, c) => { state.token = [at[r][c].row, at[r][c].column]; redraw(); },
      cell(r, c) {
        const t = at[r][c];
        return { ...looks[role(t)], text: t.region, hatch: t.padding, label: fill(words[`cell_${role(t)}`], t) };
      },
      lines: [
        ["swin-region-line", borders(side, side, (r, c) => at[r][c].group, (r, c) => at[r][c].window)],
        ["", borders(side, side, (r, c) => at[r][c].window) + `M0 0h${side}v${side}h-${side}Z`],
      ],
    }));
  notes.replaceChildren(
    legend([
      [looks.self, words.self], [looks.reached, words.reached],
      values.mask ? [looks.blocked, words.blocked] : [looks.wrong, words.wrong],
      ...(tokens.some(t => t.padding) ? [[{ hatch: true }, words.pad]] : []),
    ]),
    make("p", { class: "swin-note" }, words.lines));

  const mates = tokens.filter(t => t.window === self.window), friends = mates.filter(t => t.group === self.group);
  const padding = (values.mask ? friends : mates).filter(t => t.padding).length;
  const wrong = mates.length - friends.length;
  const numbers = { ...self, tokens: mates.length, reached: friends.length, wrong, padding };
  // Each part of a window is a rectangle of the image: "rows 6 to 7, columns 0 to 1".
  const span = (name, places) => {
    const [first, last] = [Math.min(...places), Math.max(...places)];
    return fill(words[first === last ? name : `${name}s`], { first, last });
  };
  const part = group => ["row", "column"].map(name => span(name, group.map(t => t[name]))).join(", ");
  const others = [...new Set(mates.map(t => t.group))].filter(group => group !== self.group)
    .map(group => part(mates.filter(t => t.group === group))).join("; ");
  const parts = { own: part(friends), others };
  say([
    fill(words[values.mask ? "masked" : numbers.wrong ? "unmasked" : "harmless"], numbers),
    fill(words[wrong && !values.mask ? "mixed" : "which"], parts), wrong && values.mask ? fill(words.hidden, parts) : "",
    self.y !== self.row || self.x !== self.column ? fill(words.moved, self) : "",
    self.padding ? words.is_padding : "", padding ? fill(words.padding, numbers) : "",
    data.asked && !data.shift ? words.no_shift : !data.shift && rolled ? words.no_roll : "",
  ].filter(Boolean).join(" "));
}
