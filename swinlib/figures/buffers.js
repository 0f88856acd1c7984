// What becomes of a tensor. data: { sentence, rows: [[fact, before, after, whether it changed], ...] }.
function draw({ data, stage, notes, words, say }) {
  const edge = "border-top: 1px solid #8888; padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top";
  const cell = (tag, scope, ...content) => make(tag, { scope, style: edge }, ...content);
  stage.replaceChildren(make("table", { "aria-label": words.table, style: "border-collapse: collapse; width: 100%" },
    make("thead", {}, make("tr", {}, ...[words.fact, words.before, words.after].map(name => cell("th", "col", name)))),
    make("tbody", {}, ...data.rows.map(([fact, before, after, changed]) => make("tr", { "data-fact": fact },
      make("th", { scope: "row", style: `${edge}; font-weight: normal` }, fact), cell("td", undefined, before),
      changed ? cell("td", undefined, make("strong", {}, `→ ${after}`)) : cell("td", undefined, after))))));
  notes.replaceChildren();
  say(data.sentence);
}
