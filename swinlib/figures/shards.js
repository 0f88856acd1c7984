// Who gets which sample. data: orders[epoch][rank], lists of samples; takers[epoch][sample], lists of ranks; lost and
// repeated, numbers for each epoch; seen, numbers for each rank; samples, how many there are.
const RANKS = ["#bbe1f6", "#f5d999", "#99d8c7", "#ebc9dc"]; // the colours of the ranks, pale as in the pictures

function draw({ data, state, stage, notes, words, say, redraw }) {
  const { orders, takers, lost, repeated, seen, samples } = data, ranks = orders[0].length;
  state.epoch = Math.min(state.epoch ?? 0, orders.length - 1);
  state.sample = Math.min(state.sample ?? 0, samples - 1);
  state.place ??= [0, 0]; // where the reader is in the second grid
  const { epoch, sample } = state, mine = takers[epoch][sample];

  // the frame stays when a cell is chosen, so that the keyboard's focus stays too
  if (!state.frame) {
    const part = name => make("div", {}, make("p", { class: "swin-note" }, state[`${name}Title`] = make("span")),
      state[`${name}Box`] = make("div"));
    state.frame = make("div", {},
      make("style", {}, ".swin-figure .swin-idle:not(:has(:focus-visible)) .swin-chosen { display: none; }"),
      part("epochs"), part("ranks"));
  }
  if (stage.firstChild !== state.frame) stage.replaceChildren(state.frame);
  state.epochsTitle.textContent = words.epochs;
  state.ranksTitle.textContent = fill(words.ranks, { epoch });

  // the numbers at the edges of a grid say what they count
  const named = (svg, across, down) => {
    svg.setAttribute("viewBox", svg.getAttribute("viewBox").replace(/^-.8 -.8 (\S+) (\S+)$/,
      (_, w, h) => `-1.2 -1.2 ${Number(w) + 0.4} ${Number(h) + 0.4}`));
    const style = "opacity: .75; font-size: .34px";
    svg.append(make("g", { "aria-hidden": "true" },
      make("text", { x: 0, y: -0.95, class: "swin-text", style: `${style}; text-anchor: start` }, `${across} →`),
      make("text", {
        x: -0.95, y: 0, class: "swin-text", style: `${style}; text-anchor: end`, transform: "rotate(-90 -.95 0)",
      }, `← ${down}`)));
    return svg;
  };
  // what a cell holds that was given to these ranks: their numbers, or from three on how many
  const names = given => given.length < 3 ? given.join(",") : `${given.length}×`;
  const frame = "M.07 .07h.86v.86h-.86Z";
  // a grid whose cells have the colour of the one rank that owner(row, column) names; the others are framed
  const coloured = (svg, owner) => {
    for (const cell of svg.querySelectorAll("[data-cell]")) {
      const given = owner(...cell.dataset.cell.split(",").map(Number)), rect = cell.querySelector("rect");
      if (given.length === 1) {
        rect.setAttribute("style", `fill: ${RANKS[given[0] % RANKS.length]}`);
        cell.querySelector("text").setAttribute("style", "fill: #111");
      } else if (given.length > 1) rect.after(make("path", { d: frame, class: "swin-line" }));
    }
    return svg;
  };
  state.epochsBox.replaceChildren(named(coloured(board({
    rows: orders.length, columns: samples, label: words.epochs, chosen: [epoch, sample],
    choose: (r, c) => { state.epoch = r; state.sample = c; redraw(); },
    cell(r, c) {
      const given = takers[r][c], many = given.length > 1;
      const label = given.length === 0 ? words.to_nobody : many ? words.to_many : words.to_one;
      return {
        text: names(given), hatch: given.length === 0,
        label: fill(label, { epoch: r, sample: c, times: given.length, ranks: given.join(", ") }),
      };
    },
  }), (r, c) => takers[r][c]), words.sample, words.epoch));

  const steps = orders[epoch][0].length;
  state.place = [Math.min(state.place[0], ranks - 1), Math.max(0, Math.min(state.place[1], steps - 1))];
  const [row, column] = state.place;
  if (steps && orders[epoch][row][column] !== sample) { // follow the sample that was chosen above
    const rank = orders[epoch].findIndex(given => given.includes(sample));
    if (rank >= 0) state.place = [rank, orders[epoch][rank].indexOf(sample)];
  }
  const found = steps && orders[epoch][state.place[0]][state.place[1]] === sample;
  const grid = steps ? named(coloured(board({
    rows: ranks, columns: steps, label: fill(words.ranks, { epoch }), chosen: state.place,
    choose: (r, c) => { state.place = [r, c]; state.sample = orders[epoch][r][c]; redraw(); },
    cell(r, c) {
      const each = orders[epoch][r][c];
      return { text: each, label: fill(words.place, { rank: r, step: c, sample: each }) };
    },
  }), (r, c) => takers[epoch][orders[epoch][r][c]]), words.step, words.rank) : words.none;
  if (steps) grid.classList.toggle("swin-idle", !found);
  state.ranksBox.replaceChildren(grid);

  const key = legend([
    [{ text: "" }, words.chosen], [{ text: "0" }, words.by_rank], [{ text: "0,1" }, words.repeated],
    [{ hatch: true }, words.lost],
  ]);
  const [chosen, one, many] = key.querySelectorAll("svg");
  chosen.append(make("path", { d: "M0 0h1v1h-1Z", class: "swin-line swin-chosen" }));
  one.querySelector("rect").setAttribute("style", `fill: ${RANKS[0]}`);
  one.querySelector("text").setAttribute("style", "fill: #111");
  many.append(make("path", { d: frame, class: "swin-line" }));
  notes.replaceChildren(key);
  const fields = {
    epoch, sample, samples, ranks: mine.join(", "), lost: lost[epoch], given: samples - lost[epoch],
    repeated: repeated[epoch], epochs: orders.length, hand: mine.length ? orders[epoch][mine[0]].join(", ") : "",
  };
  const watched = mine.length ? mine[0] : 0;
  say([
    fill(words.counts, fields),
    fill(mine.length === 0 ? words.here_nobody : mine.length > 1 ? words.here_many : words.here_one, fields),
    fill(words.seen, { ...fields, rank: watched, seen: seen[watched] }),
  ].join(" "));
}
