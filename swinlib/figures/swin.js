// The forward pass of swinlib's SwinTransformer (version 1) for one image, to be read beside it: a
// function does what the one of that name does there. A map is { data, height, width, channels }: a
// Float32Array that holds row after row, token after token, channel after channel. Windows are a
// map with a row for each window. A model holds its parameters under the names of its state_dict,
// as in model.layers[0].blocks[1].attn.qkv.weight, and in model.arguments the sizes that they do
// not tell. Sizes of windows, shifts and patches are pairs [rows, columns].

// What can be left out, to see what it is for. Heads and blocks are counted from 1.
const EVERYTHING = {
  shift: true,
  mask: true,
  position_bias: true,
  silenced: null, // { block, head }: what this head gathers counts as zeros
  left_out: null, // the number of a block, through all stages: its input becomes its output
};

// From an image { data, height, width }, one channel after the other, to logits and to all that is
// computed on the way. attention.weights of a block are (windows, heads, queries, keys), of a map
// that was padded to attention.height and width and rolled by attention.shift.
function forward(model, image, switches = {}) {
  const used = { ...EVERYTHING, ...switches };
  const sizes = model.arguments;
  const embedded = patch_embed(image, model.patch_embed, sizes.patch_size);
  const blocks = [];
  const maps = []; // what each stage leaves, before merging
  let x = embedded;
  model.layers.forEach((layer, stage) => {
    layer.blocks.forEach((block, position) => {
      const number = blocks.length + 1;
      const options = {
        ...used,
        num_heads: sizes.num_heads[stage],
        window_size: sizes.window_size[stage],
        shift_size: used.shift && position % 2 ? sizes.shift_size[stage] : [0, 0],
        silenced: used.silenced?.block === number ? used.silenced.head : null,
      };
      const skip = used.left_out === number;
      blocks.push(skip ? { tokens: x, attention: null } : swin_block(x, block, options));
      x = blocks[number - 1].tokens;
    });
    maps.push(x);
    if (layer.downsample) x = patch_merging(x, layer.downsample);
  });
  const features = mean_of_tokens(layer_norm(x, model.norm));
  const answer = model.head ? linear(features, model.head) : features;
  return { embedded, blocks, maps, features: features.data, logits: answer.data };
}

// ---- The block: attention within windows, then an MLP, each after a norm and within a residual
function swin_block(x, block, options) {
  const normed = layer_norm(x, block.norm1);
  const { attended, attention } = shifted_window_attention(normed, block.attn, options);
  const middle = add(x, attended);
  return { tokens: add(middle, mlp(layer_norm(middle, block.norm2), block.mlp)), attention };
}

// Pad, roll, cut, attend, and all of it back. Padding comes before the roll.
function shifted_window_attention(x, attn, options) {
  const { window_size } = options;
  const padded = pad_to_windows(x, window_size);
  const { height, width } = padded;
  const shift = effective_shift(height, width, window_size, options.shift_size);
  const windows = window_partition(cyclic_shift(padded, shift), window_size);
  const mask = options.mask ? shifted_window_mask(height, width, window_size, shift) : null;
  const { found, weights } = window_attention(windows, attn, mask, options);
  const whole = window_reverse(found, window_size, height, width);
  const attended = crop(cyclic_shift(whole, [-shift[0], -shift[1]]), x.height, x.width);
  return { attended, attention: { weights, mask, shift, window_size, height, width } };
}

const mlp = (x, { fc1, fc2 }) => linear(gelu(linear(x, fc1)), fc2);

// ---- Attention: the N tokens of each window look at each other, in several heads
function window_attention(windows, attn, mask, options) {
  const qkv = linear(windows, attn.qkv);
  const weights = attention_weights(qkv, attn.relative_position_bias_table, mask, options);
  return { found: linear(gather_values(weights, qkv, options), attn.proj), weights };
}

// softmax(logits + position bias) where the mask allows, 0 elsewhere: (windows, heads, N, N).
function attention_weights(qkv, table, mask, { num_heads, window_size, position_bias }) {
  const index = relative_position_index(window_size);
  const pairs = index.length;
  const weights = logits(qkv, num_heads);
  for (let at = 0; at < weights.length; at++) {
    const head = Math.floor(at / pairs) % num_heads;
    const window = Math.floor(at / (pairs * num_heads));
    if (position_bias) weights[at] += table[index[at % pairs] * num_heads + head]; // row, column
    if (mask && !mask[window * pairs + (at % pairs)]) weights[at] = -Infinity;
  }
  softmax(weights, qkv.width);
  return weights;
}

// The dot product of each query and key over the root of their length: (windows, heads, N, N).
// A token holds its query, its key and its value, and each of them one head after the other.
function logits({ data, height, width, channels }, num_heads) {
  const dim = channels / 3;
  const head_dim = dim / num_heads;
  const size = width * channels; // of a window
  const found = new Float32Array(height * num_heads * width * width);
  for (let window = 0, at = 0; window < data.length; window += size)
    for (let head = window; head < window + dim; head += head_dim)
      for (let q = head; q < head + size; q += channels)
        for (let k = head + dim; k < head + dim + size; k += channels)
          found[at++] = dot(data, q, data, k, head_dim) / Math.sqrt(head_dim);
  return found;
}

// What each query gathers from the values, heads side by side.
function gather_values(weights, { data, height, width, channels }, { num_heads, silenced }) {
  const dim = channels / 3;
  const head_dim = dim / num_heads;
  const gathered = new Float32Array(data.length / 3);
  for (let first = 0, at = 0; first < height * width; first += width)
    for (let head = 0; head < num_heads; head++)
      for (let query = first; query < first + width; query++)
        for (let key = first; key < first + width; key++) {
          const weight = head + 1 === silenced ? 0 : weights[at];
          const to = query * dim + head * head_dim;
          const value = key * channels + 2 * dim + head * head_dim;
          for (let i = 0; i < head_dim; i++) gathered[to + i] += weight * data[value + i];
          at++;
        }
  return { data: gathered, height, width, channels: dim };
}

// ---- Windows

// Token (row, column) of the result is number source(row, column) of x; zeros where that is -1.
function rearrange(x, height, width, source) {
  const { channels } = x;
  const data = new Float32Array(height * width * channels);
  for (let token = 0; token < height * width; token++) {
    const from = channels * source(Math.floor(token / width), token % width);
    for (let i = 0; from >= 0 && i < channels; i++) data[token * channels + i] = x.data[from + i];
  }
  return { data, height, width, channels };
}

// The upper left part of a map, with zeros below and at the right where the map is smaller.
function crop(x, height, width) {
  return rearrange(x, height, width, (row, column) =>
    row < x.height && column < x.width ? row * x.width + column : -1);
}

// Append rows and columns of zeros until whole windows tile the map.
const pad_to_windows = (x, [mh, mw]) =>
  crop(x, Math.ceil(x.height / mh) * mh, Math.ceil(x.width / mw) * mw);

// No shift along a side that one window covers.
const effective_shift = (height, width, [mh, mw], [sh, sw]) =>
  [height > mh ? sh : 0, width > mw ? sw : 0];

// Roll up and to the left; what leaves at the top comes back at the bottom.
function cyclic_shift(x, [sh, sw]) {
  const { height, width } = x;
  return rearrange(x, height, width, (row, column) =>
    ((row + sh + height) % height) * width + ((column + sw + width) % width));
}

// A row for each window, with its tokens row by row.
function window_partition(x, [mh, mw]) {
  const across = x.width / mw;
  return rearrange(x, (x.height / mh) * across, mh * mw, (window, token) => {
    const row = Math.floor(window / across) * mh + Math.floor(token / mw);
    return row * x.width + (window % across) * mw + (token % mw);
  });
}

function window_reverse(windows, [mh, mw], height, width) {
  return rearrange(windows, height, width, (row, column) => {
    const window = Math.floor(row / mh) * (width / mw) + Math.floor(column / mw);
    return window * mh * mw + (row % mh) * mw + (column % mw);
  });
}

// Of each token of the rolled map, whether it came round the border below (2) and at the right (1).
function shifted_window_regions(height, width, [sh, sw]) {
  const data = new Float32Array(height * width);
  for (let token = 0; token < data.length; token++)
    data[token] = 2 * (token >= (height - sh) * width) + (token % width >= width - sw);
  return { data, height, width, channels: 1 };
}

// 1 where a query may attend to a key of its window, which is of the same region: (windows, N, N).
function shifted_window_mask(height, width, window_size, shift) {
  const regions = shifted_window_regions(height, width, shift);
  const { data, width: tokens } = window_partition(regions, window_size);
  const mask = new Uint8Array(data.length * tokens);
  for (let at = 0; at < mask.length; at++) {
    const query = Math.floor(at / tokens);
    const key = query - (query % tokens) + (at % tokens);
    mask[at] = data[query] === data[key];
  }
  return mask;
}

// Which row of the bias table belongs to each pair of tokens of a window, query first: (N, N).
function relative_position_index([mh, mw]) {
  const index = new Int32Array((mh * mw) ** 2);
  for (let at = 0; at < index.length; at++) {
    const query = Math.floor(at / (mh * mw));
    const key = at % (mh * mw);
    const dy = Math.floor(query / mw) - Math.floor(key / mw);
    index[at] = (dy + mh - 1) * (2 * mw - 1) + (query % mw) - (key % mw) + mw - 1;
  }
  return index;
}

// ---- Layers that change the size of the map

// Each patch of the image becomes a token; a partial patch is dropped.
function patch_embed(image, { proj, norm }, [ph, pw]) {
  const plane = image.height * image.width; // pixels of one channel
  const [height, width] = [Math.floor(image.height / ph), Math.floor(image.width / pw)];
  const channels = (image.data.length / plane) * ph * pw; // of a patch as a token
  const tokens = rearrange({ ...image, channels: 1 }, height * width, channels, (token, number) => {
    const row = Math.floor(token / width) * ph + (Math.floor(number / pw) % ph);
    const column = (token % width) * pw + (number % pw);
    return Math.floor(number / (ph * pw)) * plane + row * image.width + column;
  });
  return layer_norm(linear({ ...tokens, height, width, channels }, proj), norm);
}

const patch_merging = (x, { norm, reduction }) =>
  linear(layer_norm(space_to_depth(x), norm), reduction);

// Stack each 2x2 neighbourhood: (0,0), (1,0), (0,1), (1,1); beyond an odd side there are zeros.
function space_to_depth(x) {
  const even = pad_to_windows(x, [2, 2]);
  const [height, width] = [even.height / 2, even.width / 2];
  const { data } = rearrange(even, height * width, 4, (token, corner) => {
    const row = 2 * Math.floor(token / width) + (corner % 2);
    return row * even.width + 2 * (token % width) + Math.floor(corner / 2);
  });
  return { data, height, width, channels: 4 * x.channels };
}

// ---- Layers that look at each token by itself
function linear(x, { weight, bias }) {
  const channels = weight.length / x.channels;
  const data = new Float32Array((x.data.length / x.channels) * channels);
  for (let token = 0, at = 0; token < x.data.length; token += x.channels)
    for (let i = 0; i < channels; i++)
      data[at++] = dot(x.data, token, weight, i * x.channels, x.channels) + (bias ? bias[i] : 0);
  return { ...x, data, channels };
}

// Two sums, so that the processor need not wait for one addition before it begins the next.
function dot(a, from, b, start, count) {
  let even = 0;
  let odd = 0;
  for (let i = 0; i + 1 < count; i += 2) {
    even += a[from + i] * b[start + i];
    odd += a[from + i + 1] * b[start + i + 1];
  }
  return count % 2 ? even + odd + a[from + count - 1] * b[start + count - 1] : even + odd;
}

function layer_norm(x, { weight, bias }) {
  const data = new Float32Array(x.data.length);
  for (let token = 0; token < data.length; token += x.channels) {
    let mean = 0;
    for (let i = 0; i < x.channels; i++) mean += x.data[token + i] / x.channels;
    let variance = 0;
    for (let i = 0; i < x.channels; i++) variance += (x.data[token + i] - mean) ** 2 / x.channels;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    for (let i = 0; i < x.channels; i++)
      data[token + i] = (x.data[token + i] - mean) * scale * weight[i] + bias[i];
  }
  return { ...x, data };
}

// Each row of so many numbers becomes positive and sums to 1, in place.
function softmax(rows, count) {
  for (let from = 0; from < rows.length; from += count) {
    let largest = -Infinity;
    for (let i = from; i < from + count; i++) largest = Math.max(largest, rows[i]);
    let sum = 0;
    for (let i = from; i < from + count; i++) sum += rows[i] = Math.exp(rows[i] - largest);
    for (let i = from; i < from + count; i++) rows[i] /= sum;
  }
}

const add = (a, b) => ({ ...a, data: a.data.map((value, i) => value + b.data[i]) });
const gelu = x => ({ ...x, data: x.data.map(v => 0.5 * v * (1 + erf(v * Math.SQRT1_2))) });

// Abramowitz and Stegun 1964, formula 7.1.26: wrong by at most 1.5e-7.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const start = ((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736;
  return Math.sign(x) * (1 - (start * t + 0.254829592) * t * Math.exp(-x * x));
}

function mean_of_tokens({ data, height, width, channels }) {
  const mean = new Float32Array(channels);
  for (let i = 0; i < data.length; i++) mean[i % channels] += data[i] / (height * width);
  return { data: mean, height: 1, width: 1, channels };
}
