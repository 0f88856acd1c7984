// Two curves over the blocks, on a logarithmic scale. data: { activations, gradients, texts, sentence }; see
// depth_data. state.block counts from 1. The chart is a slider: arrow keys, Home, End and clicks choose a block.
function draw({ data, state, stage, notes, words, say, redraw }) {
  const { activations, gradients, texts } = data, depth = texts.length;
  state.block = Math.max(1, Math.min(depth, state.block ?? depth));
  const [activation, gradient] = texts[state.block - 1];
  const chosen = fill(words.chosen, { block: state.block, depth, activation, gradient });

  // From a block and a number to a place; at least one power of ten above and below 1. A narrow page gets a narrow
  // chart, so that its letters stay large.
  const narrow = stage.clientWidth > 0 && stage.clientWidth < 480, width = narrow ? 14 : 24, height = 11;
  const logs = [...activations, ...gradients].map(Math.log10), small = Math.min(1, width / depth / 0.9);
  const low = Math.min(-1, Math.floor(Math.min(...logs))), high = Math.max(1, Math.ceil(Math.max(...logs)));
  const x = block => (block - 0.5) * width / depth, y = log => height * (high - log) / (high - low);
  const step = Math.ceil((high - low) / 6), every = Math.ceil(depth / 12);

  const text = (content, place, more = {}) => make("text", {
    ...place, class: "swin-text", style: "font-size: .7px", ...more }, content);
  const exponents = Array.from({ length: high - low + 1 }, (_, k) => low + k).filter(k => k % step === 0);
  const powers = exponents.flatMap(k => [
    make("path", { d: `M0 ${y(k)}h${width}`, class: "swin-line", style: `stroke-width: .03; opacity: ${k ? 0.3 : 0.8}` }),
    text(Math.abs(k) < 4 ? String(Number(`1e${k}`)) : `1e${k}`, { x: -0.3, y: y(k) }, {
      style: "font-size: .7px; text-anchor: end" }),
  ]);
  const blocks = texts.map((_, k) => k + 1).filter(block => (block - 1) % every === 0);
  const curve = (numbers, colour, sign, dash) => [
    make("path", {
      d: numbers.map((number, k) => `${k ? "L" : "M"}${x(k + 1)} ${y(Math.log10(number))}`).join(""), class: "swin-line",
      style: `stroke: ${colour}; stroke-width: .12; stroke-dasharray: ${dash}` }),
    ...numbers.map((number, k) => make("path", {
      d: sign, transform: `translate(${x(k + 1)} ${y(Math.log10(number))}) scale(${small})`, style: `fill: ${colour}` })),
  ];
  const circle = "M0 -.34a.34 .34 0 1 1 0 .68a.34 .34 0 1 1 0-.68Z", square = "M-.2 -.2h.4v.4h-.4Z";

  function go(block) {
    const holder = svg.parentNode;
    state.block = Math.max(1, Math.min(depth, block));
    redraw();
    holder.querySelector("[role=slider]")?.focus({ preventScroll: true });
  }
  const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -depth, End: depth };
  function onkeydown(event) {
    if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // elsewhere, arrow keys turn pages
    go(state.block + moves[event.key]);
  }
  function onclick(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    go(Math.ceil(at.x * depth / width));
  }
  const svg = make("svg", {
    class: "swin-board", viewBox: `-2.8 -.6 ${width + 3.1} ${height + 2.4}`, style: "max-width: 40rem", role: "slider",
    tabindex: 0, "aria-label": words.chart, "aria-valuemin": 1, "aria-valuemax": depth, "aria-valuenow": state.block,
    "aria-valuetext": chosen, onkeydown, onclick,
  },
  make("path", { d: `M0 0h${width}v${height}h-${width}Z`, style: "fill: transparent" }), ...powers,
  make("path", { d: `M${x(state.block)} 0v${height}`, class: "swin-line swin-chosen",
    style: "stroke: currentColor; stroke-dasharray: .1 .22" }), // in no curve's colour
  ...curve(activations, "#0072b2", circle, "none"), ...curve(gradients, "#d55e00", square, ".4 .25"),
  ...blocks.map(block => text(String(block), { x: x(block), y: height + 0.6 })),
  text(words.block, { x: width / 2, y: height + 1.4 }));
  stage.replaceChildren(svg);

  const key = (colour, sign, dash, name) => make("li", {}, make("svg", {
    viewBox: "-.9 -.5 1.8 1", "aria-hidden": "true", style: "width: 2.3rem" },
  make("path", { d: "M-.9 0h1.8", style: `stroke: ${colour}; stroke-width: .12; stroke-dasharray: ${dash}` }),
  make("path", { d: sign, style: `fill: ${colour}` })), name);
  notes.replaceChildren(make("ul", { class: "swin-legend" },
    key("#0072b2", circle, "none", words.activations), key("#d55e00", square, ".4 .25", words.gradients)));
  say(`${chosen} ${data.sentence}`);
}
