// One token's way through a trained Swin, step by step. data: images (base64 of float16), pixels (their channels, rows,
// columns), patch (rows and columns of a token), heads, blocks after the first stage, and first: what walk_data of
// walk.py gives for the first image. walked() computes the same here. values: image, and head from 1. A step is an
// address, as in #step=5&head=2&token=3,4, so that pages link to it and the browser's own Back goes a step back.
const COUNT = 12;
const PLAIN = "color: inherit; border: 1px solid #767676";
const CHOSEN = "color: #111; background: #f0e442; border: 3px solid #111";

// ---- The numbers, under the names that walk.py gives them

function walked(model, image, [row, column], head) {
  const { num_heads: [heads], window_size: [window_size], shift_size: [shift_size] } = model.arguments;
  const [stage] = model.layers, [plain, shifted] = stage.blocks, found = forward(model, image);
  const x = found.embedded, after = found.blocks[0].tokens, leaves = found.maps[0];
  const used = { num_heads: heads, window_size, position_bias: true, silenced: null, mask: true };
  const unshifted = { ...used, shift_size: [0, 0] };
  const { attended } = shifted_window_attention(layer_norm(x, plain.norm1), plain.attn, unshifted);
  const middle = add(x, attended), number = row * x.width + column;
  const numbers = { ...x, data: Float32Array.from({ length: x.height * x.width }, (_, k) => k), channels: 1 };
  const merged = patch_merging(leaves, stage.downsample), chances = found.logits.slice();
  softmax(chances, chances.length);
  const [ph, pw] = model.arguments.patch_size, planes = image.data.length / (image.height * image.width);
  const inside = Array.from({ length: planes * ph * pw }, (_, k) => {
    const plane = Math.floor(k / (ph * pw)), line = row * ph + Math.floor(k / pw) % ph;
    return image.data[(plane * image.height + line) * image.width + column * pw + k % pw];
  });
  const square = [Math.floor(row / 2), Math.floor(column / 2)];
  return {
    token: [row, column], head, size: [x.height, x.width], window: window_size,
    shift: effective_shift(x.height, x.width, window_size, shift_size), patch: inside,
    embedded: at(x, row, column), plain: lookOf(x, plain, number, head, unshifted),
    table: Array.from(plain.attn.relative_position_bias_table).filter((_, k) => k % heads === head - 1),
    middle: at(middle, row, column), after: at(after, row, column),
    hidden: at(gelu(linear(layer_norm(middle, plain.norm2), plain.mlp.fc1)), row, column),
    shifted: lookOf(after, shifted, number, head, { ...used, shift_size }),
    four: at(space_to_depth(numbers), ...square), together: at(space_to_depth(leaves), ...square),
    merged: at(merged, ...square), features: Array.from(found.features), chances: Array.from(chances),
  };
}

// The channels of one token of a map.
function at({ data, width, channels }, row, column) {
  const from = (row * width + column) * channels;
  return Array.from(data.slice(from, from + channels));
}

// What one head of a block computes for one token, as look() of walk.py.
function lookOf(x, { norm1, attn }, token, head, options) {
  const { num_heads: heads, window_size } = options, { height, width } = x;
  const shift = effective_shift(height, width, window_size, options.shift_size);
  const order = { data: Float32Array.from({ length: height * width }, (_, k) => k), height, width, channels: 1 };
  const numbers = window_partition(cyclic_shift(order, shift), window_size).data;
  const count = window_size[0] * window_size[1];
  const query = numbers.indexOf(token), window = Math.floor(query / count), row = query % count;
  const qkv = linear(window_partition(cyclic_shift(layer_norm(x, norm1), shift), window_size), attn.qkv);
  const mask = shifted_window_mask(height, width, window_size, shift), size = x.channels / heads;
  const weights = attention_weights(qkv, attn.relative_position_bias_table, mask, options);
  const entries = Array.from(relative_position_index(window_size).slice(row * count, (row + 1) * count));
  const ofHead = all => Array.from(all.slice(((window * heads + head - 1) * count + row) * count).slice(0, count));
  const part = (tokenOfWindow, third) => at(qkv, window, tokenOfWindow).slice(
    third * x.channels + (head - 1) * size, third * x.channels + head * size);
  return {
    tokens: Array.from(numbers.slice(window * count, (window + 1) * count)), query: part(row, 0),
    keys: Array.from({ length: count }, (_, k) => part(k, 1)).flat(), scores: ofHead(logits(qkv, heads)), entries,
    bias: entries.map(entry => attn.relative_position_bias_table[entry * heads + head - 1]),
    allowed: Array.from(mask.slice((window * count + row) * count).slice(0, count)), shares: ofHead(weights),
    gathered: at(gather_values(weights, qkv, options), window, row),
  };
}

// ---- The words, as sentences() of walk.py

const two = value => {
  const text = value.toFixed(2).replace("-", "−");
  return text === "−0.00" ? "0.00" : text;
};
const length = values => Math.hypot(...values);
const span = values => ({ low: two(Math.min(...values)), high: two(Math.max(...values)) });
const largest = values => values.indexOf(Math.max(...values));

function sentences(found, { patch: [ph, pw], heads, blocks }, words) {
  const { token: [row, column], size: [height, width], plain, shifted, chances } = found, tokens = plain.tokens.length;
  const place = token => ({ there_row: Math.floor(token / width), there_column: token % width });
  const first = largest(plain.scores), chosen = largest(plain.shares), second = largest(shifted.shares);
  const there = place(plain.tokens[first]), order = [...chances.keys()].sort((a, b) => chances[b] - chances[a]);
  const signed = number => String(number).replace("-", "−"), percent = share => Math.round(100 * share);
  const common = {
    head: found.head, heads, tokens, size: plain.query.length, channels: found.embedded.length,
    count: found.patch.length,
  };
  const facts = [
    { row, column, top: row * ph, bottom: (row + 1) * ph - 1, left: column * pw, right: (column + 1) * pw - 1,
      planes: found.patch.length / (ph * pw), ...span(found.patch) },
    span(found.embedded),
    { rows: found.window[0], columns: found.window[1], others: tokens - 1 },
    { most: two(plain.scores[first]), ...there },
    { offsets: found.table.length, down: signed(row - there.there_row), across: signed(column - there.there_column),
      entry: plain.entries[first], bias: two(plain.bias[first]), ...there },
    { most: percent(plain.shares[chosen]), own: percent(plain.shares[plain.tokens.indexOf(row * width + column)]),
      ...place(plain.tokens[chosen]) },
    { before: two(length(found.embedded)), after: two(length(found.middle)) },
    { hidden: found.hidden.length, positive: found.hidden.filter(value => value > 0).length,
      before: two(length(found.middle)), after: two(length(found.after)) },
    { shift_down: found.shift[0], shift_across: found.shift[1],
      new: shifted.tokens.filter(token => !plain.tokens.includes(token)).length,
      strangers: shifted.allowed.filter(may => !may).length },
    { allowed: shifted.allowed.filter(Boolean).length, most: percent(shifted.shares[second]),
      ...place(shifted.tokens[second]) },
    { together: found.together.length, merged: found.merged.length, row: Math.floor(row / 2),
      column: Math.floor(column / 2), height: height / 2, width: width / 2 },
    { blocks, features: found.features.length, classes: order.length, read: order[0], sure: percent(chances[order[0]]),
      next: order[1], less: percent(chances[order[1]]) },
  ];
  return facts.map((fact, k) => fill(words[`step_${k + 1}`], { ...common, ...fact }));
}

// ---- Where the reader is, and its address

const addressOf = ({ step, head, token, image }) =>
  `#step=${step}&head=${head}&token=${token.join(",")}${image ? `&image=${image + 1}` : ""}`;

// The place that an address names, null if it is about something else; what it leaves out is as at first.
function placeIn(hash, { data }) {
  const { token: [row, column], size: [height, width] } = data.first, asked = new URLSearchParams(hash.slice(1));
  if (hash.length > 1 && !asked.has("step")) return null;
  const within = (text, low, high, usual) => {
    const number = text?.trim() ? Number(text) : NaN;
    return Number.isInteger(number) ? Math.max(low, Math.min(high, number)) : usual;
  };
  const [down, across] = (asked.get("token") ?? "").split(",");
  return {
    step: within(asked.get("step"), 1, COUNT, 1), head: within(asked.get("head"), 1, data.heads, 1),
    token: [within(down, 0, height - 1, row), within(across, 0, width - 1, column)],
    image: within(asked.get("image"), 1, data.images.length, 1) - 1,
  };
}

// A page of the book has addresses of its own; a notebook in JupyterLab does not.
const isPage = () => document.documentElement.dataset.content_root !== undefined;

function go(figure, change) {
  const { state } = figure, place = { ...state.place, ...change };
  settle(figure, place);
  if (!isPage()) return;
  if (change.step) location.hash = addressOf(place); // a step is one that Back takes back
  else location.replace(addressOf(place));
}

function settle(figure, place) {
  const { state, values, stage } = figure;
  state.place = place;
  for (const name of ["image", "head"]) {
    values[name] = place[name];
    const list = stage.parentNode.querySelector(`select[name=${name}]`);
    list.selectedIndex = name === "head" ? place.head - 1 : place.image;
  }
  show(figure);
}

// ---- The figure

function draw(figure) {
  const { state, values, stage } = figure;
  if (!state.place) { begin(figure); return; }
  if (values.image !== state.place.image || values.head !== state.place.head) {
    go(figure, { image: values.image, head: values.head });
  } else {
    show(figure);
  }
  if (!state.parts.all.isConnected) stage.replaceChildren(state.parts.all);
}

function begin(figure) {
  const { state, stage } = figure, asked = isPage() && location.hash.length > 1 && placeIn(location.hash, figure);
  state.parts = build(figure);
  stage.replaceChildren(state.parts.all);
  settle(figure, asked || placeIn("", figure));
  if (asked) stage.parentNode.scrollIntoView();
  if (!isPage()) return;
  addEventListener("hashchange", () => {
    const place = placeIn(location.hash, figure), box = stage.parentNode.getBoundingClientRect();
    if (!place) return;
    if (addressOf(place) !== addressOf(state.place)) settle(figure, place);
    if (box.bottom < 100 || box.top > innerHeight - 100) stage.parentNode.scrollIntoView(); // from a link elsewhere
  });
}

// The links to all steps, and to the step before and after; they stay, and keep the focus.
function build(figure) {
  const { state, words } = figure;
  const take = step => event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // the reader opens the address elsewhere
    event.preventDefault();
    if (step()) go(figure, { step: step() });
  };
  const look = "display: flex; gap: .35em; align-items: center; box-sizing: border-box; min-height: 2.75rem; "
    + "padding: .2rem .4rem; border-radius: 4px; text-decoration: none; ";
  const links = Array.from({ length: COUNT }, (_, k) => make("a", { onclick: take(() => k + 1) },
    make("span", { style: "font-variant-numeric: tabular-nums" }, String(k + 1)), words[`name_${k + 1}`]));
  const by = move => () => {
    const step = state.place.step + move;
    return step >= 1 && step <= COUNT ? step : 0;
  };
  const [back, next] = [[-1, words.back], [1, words.next]].map(([move, name]) =>
    make("a", { onclick: take(by(move)) }, name));
  const onkeydown = event => {
    const step = { ArrowLeft: by(-1)(), ArrowRight: by(1)(), Home: 1, End: COUNT }[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // elsewhere, arrow keys turn pages
    const among = links.includes(document.activeElement);
    if (step) go(figure, { step });
    if (among) links[state.place.step - 1].focus();
  };
  const item = link => make("li", { style: "margin: 0" }, link);
  const all = make("nav", { "aria-label": words.steps, onkeydown },
    make("ol", {
      style: "display: grid; grid-template-columns: repeat(auto-fill, minmax(max(4.9rem, 15%), 1fr)); gap: 4px; "
        + "margin: 0; padding: 0; list-style: none" }, ...links.map(item)),
    make("div", { style: "display: flex; gap: .5rem; margin-top: .5rem" }, back, next));
  const paint = place => {
    links.forEach((link, k) => {
      const here = place.step === k + 1;
      link.href = addressOf({ ...place, step: k + 1 });
      link.setAttribute("style", `${look}font-size: .76rem; padding: 0 .2rem; ${here ? CHOSEN : PLAIN}`);
      link.tabIndex = here ? 0 : -1;
      if (here) link.setAttribute("aria-current", "step"); else link.removeAttribute("aria-current");
    });
    [[back, -1], [next, 1]].forEach(([link, move]) => {
      const step = by(move)();
      link.href = addressOf({ ...place, step: step || place.step });
      link.setAttribute("aria-disabled", String(!step));
      link.setAttribute("style", `${look}min-width: 6rem; justify-content: center; color: #111; background: `
        + `${step ? "#fff" : "#d0d0d0"}; border: 1px solid #767676`);
    });
  };
  return { all, paint };
}

// The numbers for the present place: Python's for the first one, computed here for any other.
function numbersFor(figure) {
  const { data, state } = figure, { head, token, image } = state.place, { first } = data;
  const isFirst = !image && head === first.head && String(token) === String(first.token);
  const model = modelOf(figure, !isFirst);
  if (isFirst) return first;
  if (!model) return null;
  const key = JSON.stringify([head, token, image]);
  if (state.key !== key) Object.assign(state, { key, found: walked(model, imageOf(data, image), token, head) });
  return state.found;
}

function imageOf({ images, pixels: [, height, width] }, number) {
  return { data: halfFloats(images[number]), height, width };
}

function show(figure) {
  const { data, state, notes, words, say } = figure, { place } = state, found = numbersFor(figure);
  state.parts.paint(place);
  if (!found) {
    notes.replaceChildren();
    say(state.failed ? fill(words.failed, { reason: state.failed }) : words.loading);
    return;
  }
  const told = sentences(found, data, words), wasOpen = notes.querySelector("details")?.open ?? false;
  const focused = notes.querySelector("svg")?.contains(document.activeElement);
  const map = mapOf(figure, found), column = (grow, ...parts) =>
    make("div", { style: `flex: ${grow}; min-width: 0` }, ...parts);
  notes.replaceChildren(
    make("div", { style: "display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; margin-top: .6rem" },
      column("1 1 18rem", map, keysOf(words, place.step)),
      column("1 1 14rem", ...details(place.step, found, data, words))),
    make("p", { class: "swin-note" }, words.keys),
    make("details", { open: wasOpen }, make("summary", {}, fill(words.all, { count: COUNT })),
      make("ol", {}, ...told.map(sentence => make("li", {}, sentence)))));
  if (focused) map.querySelector('[tabindex="0"]').focus({ preventScroll: true });
  say(fill(words.count, { step: place.step, count: COUNT }) + told[place.step - 1]);
}

const one = value => value.toFixed(1).replace("-", "−").replace(/^−0\.0$/, "0.0");

// token -> what stands in its cell at a step
function litAt(step, { plain, shifted, four, size: [height, width], token: [row, column] }) {
  const each = ({ tokens, allowed }, text) => new Map(tokens.map((token, k) => [
    token, allowed[k] ? { text: text(k) } : { kind: "wrong", sign: "cross" }]));
  const percent = ({ shares }) => k => Math.round(100 * shares[k]);
  if (step <= 2 || step === 7 || step === 8) return new Map([[row * width + column, { text: "" }]]);
  if (step === 3) return each(plain, () => "");
  if (step === 4) return each(plain, k => one(plain.scores[k]));
  if (step === 5) return each(plain, k => one(plain.bias[k]));
  if (step === 6) return each(plain, percent(plain));
  if (step === 9) return each(shifted, () => "");
  if (step === 10) return each(shifted, percent(shifted));
  if (step === 11) return new Map(four.map((token, k) => [token, { text: k + 1 }]));
  return new Map(Array.from({ length: height * width }, (_, k) => [k, { text: "" }]));
}

// The tokens of the first stage over the outline of the image, those of this step lit.
function mapOf(figure, found) {
  const { data, state, words } = figure, { place } = state, { size: [height, width], window: [mh, mw] } = found;
  const lit = litAt(place.step, found), number = (r, c) => r * width + c;
  const shares = place.step === 6 ? found.plain : place.step === 10 ? found.shifted : null;
  const [down, across] = place.step === 9 || place.step === 10 ? found.shift : [0, 0];
  const window = (r, c) => Math.floor((r - down + mh) / mh) * (width + 1) + Math.floor((c - across + mw) / mw);
  const windows = place.step > 2 && place.step < 11 ? [[down || across ? "swin-region-line" : "",
    borders(height, width, window)]] : [];
  const svg = board({
    rows: height, columns: width, label: words.map, chosen: place.token,
    choose: (row, column) => go(figure, { token: [row, column] }),
    cell(row, column) {
      const content = lit.get(number(row, column));
      const mate = content && (place.step === 3 || place.step === 9) && String([row, column]) !== String(place.token);
      const text = content?.sign ? words.stranger : mate ? words.mate : content?.text ?? "";
      return { ...content, label: fill(text === "" ? words.cell : words.cell_with, { row, column, text }) };
    },
    lines: windows,
  });
  svg.style.maxWidth = "24rem";
  const texts = [];
  for (const cell of svg.querySelectorAll("[data-cell]")) {
    const [row, column] = cell.dataset.cell.split(",").map(Number), content = lit.get(number(row, column));
    if (!content || content.sign) continue;
    const share = shares ? shares.shares[shares.tokens.indexOf(number(row, column))] : 0.3;
    const mix = (white, sky) => Math.round(white + (sky - white) * Math.min(1, 0.25 + share));
    const colour = `rgb(${mix(255, 86)} ${mix(255, 180)} ${mix(255, 233)})`, text = cell.querySelector("text");
    cell.querySelector("rect").setAttribute("style", `fill: ${colour}`);
    text?.setAttribute("style", `fill: #111; font-size: .36px; paint-order: stroke; stroke: ${colour}; `
      + "stroke-width: .34px; stroke-linejoin: round");
    const transform = cell.getAttribute("transform");
    if (text) texts.push(make("g", { transform, "data-text": cell.dataset.cell }, text));
  }
  const grey = greyOf(data, place.image), side = [data.pixels[1] / height, data.pixels[2] / width];
  if (place.step === 1) svg.prepend(pixelsOf(grey, side));
  if (place.step === 1) svg.querySelector('[tabindex="0"] rect').removeAttribute("style"); // its pixels are to be seen
  const ink = grey.map(line => line.map(value => value > 0.5)), framed = (r, c) => ink[r - 1]?.[c - 1] ?? false;
  svg.append(make("path", {
    d: borders(ink.length + 2, ink[0].length + 2, framed), "aria-hidden": "true",
    transform: `scale(${1 / side[1]} ${1 / side[0]}) translate(-1 -1)`,
    style: `fill: none; stroke: #009e73; stroke-width: ${(0.05 * side[0]).toFixed(2)}; pointer-events: none` }),
  make("g", { "aria-hidden": "true", style: "pointer-events: none" }, ...texts)); // over the outline
  return svg;
}

// The image in rows of pixels, the mean of its channels, from 0 to 1.
function greyOf(data, number) {
  const { data: values, height, width } = imageOf(data, number), planes = values.length / (height * width);
  const mean = Array.from({ length: height * width }, (_, k) =>
    Array.from({ length: planes }, (_, plane) => values[plane * height * width + k]).reduce((a, b) => a + b) / planes);
  const low = Math.min(...mean), range = Math.max(...mean) - low || 1;
  return Array.from({ length: height }, (_, row) =>
    mean.slice(row * width, (row + 1) * width).map(value => (value - low) / range));
}

const pixelsOf = (grey, [down, across]) => make("g", { "aria-hidden": "true" }, ...grey.flatMap((line, row) =>
  line.map((value, column) => make("rect", {
    x: column / across, y: row / down, width: 1 / across, height: 1 / down,
    style: `fill: rgb(${Array(3).fill(Math.round(255 * value)).join(" ")}); stroke: none` }))));

// What the lit cells mean.
function keysOf(words, step) {
  const key = (name, ...parts) =>
    make("li", {}, make("svg", { viewBox: "-.1 -.1 1.2 1.2", "aria-hidden": "true" }, ...parts), name);
  const square = style => make("path", { d: "M0 0h1v1h-1Z", style });
  const keys = [
    key(words.token, make("path", { d: "M0 0h1v1h-1Z", class: "swin-line swin-chosen" })),
    key(words.ink, make("path", { d: "M.2 0v.6h.6v.4", style: "fill: none; stroke: #009e73; stroke-width: .14" })),
  ];
  if (step > 2 && step !== 7 && step !== 8) keys.push(key(words.lit, square("fill: rgb(162 214 243)")));
  if (step === 9 || step === 10) keys.push(key(words.strangers, ...cellContent({ kind: "wrong", sign: "cross" })));
  return make("ul", { class: "swin-legend" }, ...keys);
}

// ---- What stands beside the map: the token's numbers

function details(step, found, data, words) {
  const { plain, head } = found, width = found.size[1], first = largest(plain.scores), size = plain.query.length;
  const token = plain.tokens[first], there = { there_row: Math.floor(token / width), there_column: token % width };
  const numbers = (name, values, lit) => bars(values, fill(words.numbers, {
    name: fill(words[name], { head, ...there, sum: two(values.reduce((a, b) => a + b, 0)) }), count: values.length,
    ...span(values) }), lit);
  const key = plain.keys.slice(first * size, (first + 1) * size), product = key.map((v, k) => v * plain.query[k]);
  return {
    1: () => [table(found.patch.slice(0, data.patch[0] * data.patch[1]), data.patch[1], two, words.pixels)],
    2: () => [numbers("embedded", found.embedded)],
    4: () => [numbers("query", plain.query), numbers("key", key), numbers("product", product)],
    5: () => [table(found.table, 2 * found.window[1] - 1, one,
      fill(words.table, { head }), plain.entries, plain.entries[first])],
    7: () => [numbers("gathered", plain.gathered, [(head - 1) * size, head * size]), numbers("before", found.embedded),
      numbers("after", found.middle)],
    8: () => [numbers("hidden", found.hidden), numbers("before", found.middle), numbers("after", found.after)],
    11: () => [numbers("four", found.together), numbers("merged", found.merged)],
    12: () => [chart(found.chances, words.chances)],
  }[step]?.() ?? [];
}

// Numbers as bars up and down from a line; those from lit[0] to before lit[1] in blue.
function bars(values, name, [from, to] = [0, values.length]) {
  const high = Math.max(0, ...values), low = Math.min(0, ...values), range = high - low || 1;
  const one = (value, k) => make("rect", {
    x: k + 0.1, y: 50 * (high - Math.max(0, value)) / range, width: 0.8, height: 50 * Math.abs(value) / range,
    style: `fill: ${k >= from && k < to ? "#0072b2" : "#767676"}; stroke: none` });
  const svg = make("svg", {
    viewBox: `0 0 ${values.length} 50`, preserveAspectRatio: "none", "aria-hidden": "true",
    style: "display: block; width: 100%; height: 4rem; background: #fff; border: 1px solid #767676; border-radius: 2px",
  }, ...values.map(one));
  return make("div", { style: "margin-bottom: .6rem" }, svg, make("p", { class: "swin-note" }, name));
}

// Numbers in rows; used ones in blue, one of them framed.
function table(values, columns, text, name, used = [], framed = -1) {
  const place = k => [k % columns, Math.floor(k / columns)];
  const cell = (value, k) => {
    const [x, y] = place(k), lit = used.includes(k);
    return make("g", { transform: `translate(${x} ${y})` },
      make("rect", { width: 1, height: 1, style: `fill: ${lit ? "#a2d6f3" : "#fff"}` }),
      make("text", { x: 0.5, y: 0.5, class: "swin-text", style: "fill: #111; font-size: .36px" }, text(value)));
  };
  const frame = framed < 0 ? [] : [make("path", {
    d: `M${place(framed).join(" ")}h1v1h-1Z`, style: "fill: none; stroke: #d55e00; stroke-width: .1" })];
  const svg = make("svg", {
    viewBox: `-.1 -.1 ${columns + 0.2} ${values.length / columns + 0.2}`, role: "img", "aria-label": name,
    style: `display: block; width: 100%; max-width: ${Math.min(20, 4 * columns)}rem`,
  }, ...values.map(cell), ...frame);
  return make("div", {}, svg, make("p", { class: "swin-note" }, name));
}

// The probabilities of the classes.
function chart(chances, name) {
  const text = (k, x, content) =>
    make("text", { x, y: k + 0.75, style: "font-size: .7px; fill: currentColor" }, content);
  const bar = (k, chance) => make("rect", {
    x: 1.4, y: k + 0.15, width: 10 * chance, height: 0.7, style: "fill: #0072b2; stroke: none" });
  return make("div", {}, make("svg", {
    viewBox: `0 0 14 ${chances.length}`, role: "img", "aria-label": name,
    style: "display: block; width: 100%; max-width: 22rem",
  }, ...chances.flatMap((chance, k) => [
    text(k, 0.3, String(k)), bar(k, chance),
    text(k, 1.6 + 10 * chance, chance >= 0.005 ? String(Math.round(100 * chance)) : ""),
  ])), make("p", { class: "swin-note" }, name));
}
