// What the pages of the book do, besides the theme's own scripts.
"use strict";

// A search shows an excerpt of each page that it finds, and fetches the page for it. Browsers forbid that for pages
// opened as files.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

(() => {
  // An interactive figure is loaded when a reader comes near, by a classic script: a page opened as a file may load
  // no other.
  const load = figure => {
    const script = document.createElement("script");
    script.src = figure.dataset.script;
    document.head.append(script);
  };
  const near = new IntersectionObserver(entries => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) { near.unobserve(target); load(target); }
    }
  }, { rootMargin: "1500px" });
  document.querySelectorAll("[data-script]").forEach(figure => near.observe(figure));
})();
