// The index of the search is fetched when there is something to search for.
"use strict";
if (new URLSearchParams(location.search).get("q")) Search.loadIndex("searchindex.js");
