// A photograph that a brush covers in parts; the model reads it in this page. data: side of what the model is given, in
// pixels; classes; mean and std of the channels; photos, each with what it shows, the number of its class (null if it
// has none), an image, its pixels (3, side, side) as bytes in base64, and chances in per cent; stages. values: channel.

// ---- From a photograph to what the model is given

// The bytes (3, side, side) of an image { data: red, green, blue and alpha of each pixel, width, height }: the mean of
// each of side x side areas, which overlap where side does not divide the image.
function reduced({ data, width, height }, side) {
  const found = new Uint8Array(3 * side * side);
  const area = (k, length) => [Math.floor(k * length / side), Math.ceil((k + 1) * length / side)];
  for (let place = 0; place < found.length; place++) {
    const pixel = place % (side * side), channel = Math.floor(place / (side * side));
    const [top, bottom] = area(Math.floor(pixel / side), height), [left, right] = area(pixel % side, width);
    let sum = 0;
    for (let row = top; row < bottom; row++)
      for (let column = left; column < right; column++) sum += data[4 * (row * width + column) + channel];
    found[place] = Math.floor(sum / ((bottom - top) * (right - left)) + 0.5);
  }
  return found;
}

// A reader's own file as { picture, pixels }: its middle square, in the size that it has, up to 1024 pixels.
async function readFile(file, side) {
  const image = await createImageBitmap(file), square = Math.min(image.width, image.height);
  const size = Math.min(square, 1024), picture = make("canvas", { width: size, height: size });
  const context = picture.getContext("2d", { willReadFrequently: true });
  const [left, top] = [image.width, image.height].map(length => Math.floor((length - square) / 2));
  context.fillStyle = "#fff"; // under what is transparent
  context.fillRect(0, 0, size, size);
  context.drawImage(image, left, top, square, square, 0, 0, size, size);
  return { picture, pixels: reduced(context.getImageData(0, 0, size, size), side) };
}

// Normalised; what is covered has the mean colour, which is zero in every channel.
function given(pixels, covered, { side, mean, std }) {
  const plane = side * side, data = new Float32Array(3 * plane);
  pixels.forEach((byte, k) => {
    const channel = Math.floor(k / plane);
    data[k] = covered[k % plane] ? 0 : (byte / 255 - mean[channel]) / std[channel];
  });
  return { data, height: side, width: side };
}

// What each token of the last map says for a class: the score, were there no other token. Their mean is the score.
function votes(map, { norm, head: { weight, bias } }, label) {
  const { data, channels } = layer_norm(map, norm);
  return Float32Array.from({ length: data.length / channels }, (_, token) =>
    dot(data, token * channels, weight, label * channels, channels) + bias[label]);
}

// ---- The figure

function draw(figure) {
  const { state, stage } = figure;
  state.parts ??= build(figure);
  if (!state.parts.sheet.isConnected) stage.replaceChildren(state.parts.all);
  state.show = now => show(figure, now); // with the values of this moment
  modelOf(figure);
  show(figure, true);
}

// The elements, which stay: a sheet that was replaced while somebody brushes over it would lose the brush.
function build({ data, state, words, notes }) {
  const { side, photos, stages } = data, sheet = sheetOf(words.sheet);
  const small = smallPicture(side, side, words.given), chart = chanceBars(data.classes, 5, words.chances);
  state.covered = new Uint8Array(side * side);
  const uncover = () => {
    state.covered.fill(0);
    Object.assign(state, { down: false, refused: null });
    state.show(true);
  };
  const begin = photo => {
    Object.assign(state, { photo, usual: null });
    uncover();
  };
  for (const photo of photos) {
    photo.picture = Object.assign(new Image(), { src: photo.image, onload: () => state.show(true) });
    photo.bytes = Uint8Array.from(atob(photo.pixels), letter => letter.charCodeAt(0));
  }
  const choices = photos.map(photo => make("button", { // no img: in the dark, themes lighten what lies behind one
    type: "button", "aria-label": photo.shows, title: photo.shows, onclick: () => begin(photo),
    style: `${WIDE}; padding: 0; width: 2.75rem; height: 2.75rem; background: center / cover url("${photo.image}")`,
  }));
  const file = make("input", { type: "file", accept: "image/*", hidden: true, "aria-label": words.own });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    file.value = ""; // so that the same one can be chosen again
    try {
      const { picture, pixels } = await readFile(chosen, side);
      begin({ picture, bytes: pixels, own: true });
    } catch {
      state.refused = chosen.name;
      state.show(true);
    }
  });
  const maps = Array.from({ length: stages + 1 }, () => ({
    canvas: smallPicture(1, 1, words.waiting, "100%"), text: note(words.waiting) }));
  const voting = make("div", { style: "max-width: 14rem" }), credit = note("");
  const all = columns(
    column("0 1 20rem", sheet, inRow(button(words.uncover, uncover), button(words.own, () => file.click()),
      file), inRow(...choices), credit, note(words.hint)),
    column("1 1 14rem", chart.svg, note(words.chances), small, note(words.given)),
    column("1 1 100%", make("div", {
      style: "display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: 1rem" },
    ...maps.map(({ canvas, text }) => make("div", { style: "max-width: 12rem" }, canvas, text))), voting));
  listenToPen(sheet, state, {
    side, erase: uncover, show: () => state.show(false),
    ink: (from, to) => inkLine(state.covered, side, 0.08 * side, from, to),
  });
  state.photo = photos[0];
  notes.replaceChildren(note(words.private));
  return { all, sheet, small, chart, maps, voting, choices, credit };
}

// Show the photograph, what is read, and the maps. While somebody brushes, the sentence waits for a pause.
function show(figure, now) {
  const { data, state, words, say } = figure, { parts, photo, covered, model } = state;
  const { sheet, small, chart } = parts, hidden = covered.reduce((sum, each) => sum + each, 0);
  const found = model ? forward(model, given(photo.bytes, covered, data)) : null;
  const chances = found ? percents(found.logits) : hidden || photo.own ? new Float32Array(data.classes.length)
    : photo.chances;
  chart.set(chances);
  const answer = likeliest(chances), seen = found ? look(figure, found, answer.read) : "";
  paint(sheet, data.side, photo, covered, state.frame);
  paintPen(sheet, data.side, 0.08 * data.side, state);
  paintBytes(small, photo.bytes, covered, data.mean);
  parts.choices.forEach((choice, k) => {
    const chosen = data.photos[k] === photo;
    choice.setAttribute("aria-pressed", chosen);
    choice.style.outline = chosen ? "3px solid #d55e00" : "";
  });
  parts.credit.replaceChildren(...photo.own ? [] : [
    fill(words.credit, photo),
    make("a", { href: photo.url, style: "color: inherit; text-decoration: underline" }, photo.licence), "."]);

  const tell = () => {
    if (state.refused) { say(fill(words.refused, { file: state.refused })); return; }
    const waiting = state.failed ? fill(words.failed, { reason: state.failed }) : words.loading;
    const named = ({ read, next, ...rest }) => ({ ...rest, read: data.classes[read], next: data.classes[next] });
    if (found && hidden) state.usual ??= likeliest(percents(forward(model, given(photo.bytes, [], data)).logits));
    say([
      found || (chances === photo.chances && !state.loading) ? fill(words.read, named(answer)) : waiting,
      hidden ? fill(words.covered, { hidden, pixels: covered.length }) : "",
      found && hidden ? fill(words.usual, named(state.usual)) : "",
      photo.own ? words.whatever : fill(photo.known === null ? words.none : words.known, photo),
      seen,
      state.keys ? fill(state.down ? words.pen_down : words.pen_up, { row: state.pen[0], column: state.pen[1] }) : "",
    ].filter(Boolean).join(" "));
  };
  clearTimeout(state.pause);
  if (now) tell(); else state.pause = setTimeout(tell, 400);
}

// The photograph, hatched grey where it is covered, and a frame round what the chosen token stands for.
function paint(sheet, side, { picture }, covered, frame) {
  const context = sheet.getContext("2d"), size = sheet.width, pixel = size / side;
  context.clearRect(0, 0, size, size);
  context.drawImage(picture, 0, 0, size, size);
  context.lineWidth = 1;
  context.strokeStyle = "#fff";
  covered.forEach((on, k) => {
    if (!on) return;
    const [x, y] = [k % side * pixel, Math.floor(k / side) * pixel];
    context.fillStyle = "#7c7468";
    context.fillRect(x, y, pixel, pixel);
    context.beginPath();
    context.moveTo(x, y + pixel);
    context.lineTo(x + pixel, y);
    context.stroke();
  });
  if (!frame) return;
  for (const [width, colour] of [[5, "#111"], [2, "#fff"]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.strokeRect(...frame.map(share => share * size));
  }
}

function paintBytes(canvas, bytes, covered, mean) {
  const plane = bytes.length / 3, context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  for (let k = 0; k < plane; k++) {
    const colour = [0, 1, 2].map(channel =>
      (covered[k] ? Math.round(255 * mean[channel]) : bytes[channel * plane + k]));
    picture.data.set([...colour, 255], 4 * k);
  }
  context.putImageData(picture, 0, 0);
}

// One channel of a map in grey, from its least number to its greatest, which are returned.
function paintMap(canvas, { data, height, width, channels }, channel) {
  const numbers = Array.from({ length: height * width }, (_, token) => data[token * channels + channel]);
  const low = Math.min(...numbers), high = Math.max(...numbers), context = canvas.getContext("2d");
  Object.assign(canvas, { width, height });
  const picture = context.createImageData(width, height);
  numbers.forEach((number, k) => {
    picture.data.set([...Array(3).fill(255 * (number - low) / (high - low || 1)), 255], 4 * k);
  });
  context.putImageData(picture, 0, 0);
  return { low, high };
}

const two = number => number.toFixed(2).replace("-", "−");
const whole = number => String(Math.round(number) || 0).replace("-", "−");

// Draw the maps, and what each token of the last one says for a class; return that of the chosen one in words.
function look({ data, values, state, words, redraw }, { embedded, maps, logits: scores }, label) {
  const { voting, maps: places } = state.parts;
  [embedded, ...maps].forEach((map, k) => {
    const { canvas, text } = places[k], { low, high } = paintMap(canvas, map, values.channel);
    const about = {
      ...map, stage: k, channel: values.channel, low: two(low), high: two(high) };
    canvas.setAttribute("aria-label", fill(k ? words.map : words.map_embedded, about));
    text.textContent = fill(k ? words.under_map : words.under_embedded, about);
  });
  const last = maps.at(-1), { height, width } = last, said = votes(last, state.model, label);
  const [row, column] = state.token ??= [Math.floor(height / 2), Math.floor(width / 2)];
  state.frame = [column / width, row / height, 1 / width, 1 / height];
  const about = (r, c) => ({ row: r, column: c, vote: two(said[r * width + c]), class: data.classes[label] });
  const drawn = [label, row, column, ...said].join();
  if (drawn !== state.drawn) { // else somebody who explores the tokens would lose the place
    state.drawn = drawn;
    const focused = voting.contains(document.activeElement);
    const heading = fill(words.votes, { class: data.classes[label] }), svg = board({
      rows: height, columns: width, label: heading, chosen: [row, column],
      choose: (r, c) => { state.token = [r, c]; redraw(); },
      cell: (r, c) => ({
        text: whole(said[r * width + c]), label: fill(words.vote, about(r, c)),
        kind: said[r * width + c] > scores[label] ? "reached" : "plain" }),
    });
    voting.replaceChildren(note(heading), svg);
    if (focused) svg.querySelector('[tabindex="0"]').focus({ preventScroll: true });
  }
  return fill(words.chosen, { ...about(row, column), tokens: height * width, score: two(scores[label]) });
}
