// Shared by figures that go step by step.

// A button of a figure.
const button = (text, onclick, background = "#fff", more = {}) => make("button", {
  type: "button", onclick, style: "min-height: 2rem; padding: .2rem .7rem; font: inherit; text-align: left; color: #111; "
    + `background: ${background}; border: 1px solid #767676; border-radius: 4px; cursor: pointer`, ...more }, text);

// A table of steps that is drawn anew and keeps the keyboard's focus. heads: of its columns; go(k): chooses a step.
function stepTable(label, heads, go) {
  const look = "padding: .2rem .6rem .2rem 0; text-align: left", body = make("tbody");
  const edge = `border-top: 1px solid #8888; ${look}; vertical-align: middle`, buttons = body.getElementsByTagName("button");
  const table = make("table", { "aria-label": label, style: "border-collapse: collapse; margin: 0; font-size: .95em" },
    make("thead", {}, make("tr", {}, ...heads.map(name => make("th", { scope: "col", style: look }, name)))), body);
  // steps: [[name, what stands in a further column, ...], ...], the chosen one by its number
  function list(steps, chosen) {
    const focused = [...buttons].indexOf(document.activeElement);
    body.replaceChildren(...steps.map(([name, ...cells], k) => make("tr", {},
      make("th", { scope: "row", style: `${edge}; font-weight: normal` }, button(
        k === chosen ? `▸ ${name}` : name, () => go(k), k === chosen ? "#f0e442" : "#fff",
        { "aria-pressed": String(k === chosen) })),
      ...cells.map(content => make("td", { style: edge }, content)))));
    if (focused >= 0) buttons[Math.min(focused, steps.length - 1)].focus({ preventScroll: true });
  }
  return { table, list };
}
