// The index of the search is fetched when there is something to search for, after the entries of the glossary.
"use strict";
if (new URLSearchParams(location.search).get("q")) {
  const script = document.createElement("script"), go = () => Search.loadIndex("searchindex.js");
  Object.assign(script, { src: "_static/glossary.js", onload: go, onerror: go });
  document.head.append(script);
}

// A term is found in both languages, and the glossary answers with its entries, where Sphinx has the name of the page
// once for each. Chinese is written without spaces, so there a part of a name is enough.
let glossary = [];
globalThis.swinGlossary = entries => { glossary = entries; };
Search._performSearch = (perform => (query, ...terms) => {
  const wanted = query.trim().toLowerCase(), page = "book/glossary";
  const plain = name => name.replace(/<.*?>/g, "").toLowerCase();
  const likeness = name => !name.includes(wanted) || (/^[\w\s'-]+$/.test(wanted) && 2 * wanted.length < name.length)
    ? 0 : wanted.length / name.length;
  const found = glossary
    .map(([anchors, names, meaning]) => [Math.max(...names.map(plain).map(likeness)), anchors[0], names, meaning])
    .filter(([like]) => like > 0)
    .sort(([one], [other]) => one - other) // the last is shown first
    .map(([like, anchor, names, meaning]) =>
      [page, `Glossary: ${names.join(" · ")}`, `#${anchor}`, meaning, like, `${page}.md`]);
  const others = perform(query, ...terms)
    .filter(([name, , anchor]) => name !== page || (!found.length && !anchor));
  return [...others, ...found];
})(Search._performSearch);

// How many pages were found is said aloud.
(() => {
  const said = document.createElement("p"), results = document.getElementById("search-results");
  said.className = "visually-hidden";
  said.setAttribute("role", "status");
  results.before(said);
  new MutationObserver(() => {
    const summary = results.querySelector(".search-summary")?.textContent ?? "";
    if (said.textContent !== summary) said.textContent = summary;
  }).observe(results, { subtree: true, childList: true, characterData: true });
})();
