// Which layers a module knows of. data: { sentence, result, rows: [[depth, what it is, name or "", dtype], ...] }.
function draw({ data, stage, notes, words, say }) {
  const edge = "border-top: 1px solid #8888; padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top";
  const head = name => make("th", { scope: "col", style: edge }, name);
  const code = text => make("code", {}, text);
  stage.replaceChildren(
    make("p", { style: "margin: .25rem 0" }, `${words.result}:`),
    make("pre", { tabindex: 0, "aria-label": words.result, "data-result": true,
      style: "white-space: pre-wrap; overflow-wrap: anywhere; margin: .25rem 0 .75rem" }, data.result),
    make("table", { "aria-label": words.table, style: "border-collapse: collapse; width: 100%" },
      make("thead", {}, make("tr", {}, ...[words.object, words.name, words.dtype].map(head))),
      make("tbody", {}, ...data.rows.map(([depth, what, name, dtype]) => make("tr", { "data-known": name },
        make("th", { scope: "row", style: `${edge}; font-weight: normal; padding-left: ${1.25 * depth}rem` }, what),
        make("td", { style: edge }, name ? code(name) : make("strong", {}, words.unknown)),
        make("td", { style: edge }, dtype))))));
  notes.replaceChildren();
  say(data.sentence);
}
