// Gets a model into the page for swin.js. Its weights come from one script that all pages of the book share, which is
// loaded when a reader first touches a figure. A classic script, since a page opened as a file may load nothing else.

// The numbers that base64 text holds as float16, which not every browser can read by itself.
function halfFloats(text) {
  const bytes = atob(text), numbers = new Float32Array(bytes.length / 2);
  for (let k = 0; k < numbers.length; k++) {
    const bits = bytes.charCodeAt(2 * k) + 256 * bytes.charCodeAt(2 * k + 1);
    const exponent = (bits >> 10) & 31, fraction = (bits & 1023) / 1024;
    const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
    numbers[k] = bits & 32768 ? -size : size;
  }
  return numbers;
}

// The model that swin.js reads, of { arguments, shapes: { name: shape }, weights: base64 }; names become a tree. Of
// several, { name: that, ... }, an object of models.
function readModel(content) {
  const { arguments: sizes, shapes, weights } = content;
  if (!weights) return Object.fromEntries(Object.entries(content).map(([name, each]) => [name, readModel(each)]));
  const numbers = halfFloats(weights), model = { arguments: sizes };
  let start = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const count = shape.reduce((product, side) => product * side, 1), path = name.split(".");
    let place = model;
    path.slice(0, -1).forEach((part, k) => { place = place[part] ??= /^\d+$/.test(path[k + 1]) ? [] : {}; });
    place[path.at(-1)] = numbers.slice(start, start + count);
    start += count;
  }
  return model;
}

// A promise of the model; file is the address of its script within the book. Figures on a page read it once. In a live
// notebook, which has no such script, Python sends the content.
function loadModel({ name, file, content }) {
  const models = globalThis.swinModels ??= {}, promises = globalThis.swinPromises ??= {};
  if (content) models[name] = content;
  return promises[name] ??= new Promise((resolve, reject) => {
    if (models[name]) { resolve(readModel(models[name])); return; }
    const script = document.createElement("script"); // the root of the book, from the page, as Sphinx writes it there
    script.src = (document.documentElement.dataset.content_root ?? "") + file;
    script.onload = () => resolve(readModel(models[name]));
    script.onerror = () => { delete promises[name]; reject(new Error(`${file} is not there`)); };
    document.head.append(script);
  });
}

// For draw(): the model, or null until the reader has touched the figure and the model is there; then the figure is
// drawn again. What cannot wait for a touch asks for it now. If it cannot be had, state.failed says why.
function modelOf({ data, state, stage, redraw }, now = false) {
  const load = () => {
    state.loading ??= loadModel(data.model)
      .then(model => { state.model = model; }, error => { state.failed = error.message; }).then(redraw);
  };
  if (now) load();
  if (!state.waiting) {
    state.waiting = true;
    const options = { once: true, capture: true }; // before the figure keeps a key from going further
    for (const touch of ["pointerdown", "keydown"]) stage.parentNode.addEventListener(touch, load, options);
  }
  return state.model ?? null;
}
