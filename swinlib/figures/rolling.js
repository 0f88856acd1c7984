// torch.roll on a grid. data: { numbers, wrapped } as lists of rows after the roll, and the shifts { rows, columns }.
function draw({ data, state, stage, notes, words, say, redraw }) {
  const height = data.numbers.length, width = data.numbers[0].length;
  state.number ??= 0; // stays chosen while it moves
  const places = data.numbers.flatMap((line, row) => line.map((number, column) => ({
    row, column, number, wrapped: data.wrapped[row][column],
    from_row: Math.floor(number / width), from_column: number % width,
  })));
  const chosen = places.find(place => place.number === state.number);
  const kind = place => place === chosen ? "self" : place.wrapped ? "reached" : "plain";
  stage.replaceChildren(
    board({
      rows: height, columns: width, label: words.grid, chosen: [chosen.row, chosen.column],
      choose: (r, c) => { state.number = data.numbers[r][c]; redraw(); },
      cell(r, c) {
        const place = places[r * width + c];
        const label = fill(place.wrapped ? words.cell_round : words.cell, place);
        return { kind: kind(place), text: place.number, hatch: place.wrapped, label };
      },
      lines: [
        ["swin-region-line", borders(height, width, (r, c) => data.wrapped[r][c])],
        ["", `M0 0h${width}v${height}h-${width}Z`],
      ],
    }));
  notes.replaceChildren(legend([
    [{ kind: "self" }, words.chosen], [{ kind: "reached", hatch: true }, words.wrapped], [{}, words.plain],
  ]));
  const call = fill(words.call, data);
  say([fill(words.moved, { ...chosen, call }), chosen.wrapped ? words.round : ""].filter(Boolean).join(" "));
}
