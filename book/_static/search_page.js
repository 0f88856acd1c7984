// The index of the search is fetched when there is something to search for.
"use strict";
if (new URLSearchParams(location.search).get("q")) Search.loadIndex("searchindex.js");

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
