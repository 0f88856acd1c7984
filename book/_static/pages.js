// What the pages of the book do, besides the theme's own scripts.
"use strict";

// A search shows an excerpt of each page that it finds, and fetches the page for it. Browsers forbid that for pages
// opened as files.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;


// An interactive figure is loaded when a reader comes near, by a classic script: a page opened as a file may load no
// other.
(() => {
  const load = figure => {
    const script = document.createElement("script");
    script.src = figure.dataset.script;
    document.head.append(script);
  };
  const near = new IntersectionObserver(entries => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) { near.unobserve(target); load(target); }
    }
  }, { rootMargin: "3000px" });
  document.querySelectorAll("[data-script]").forEach(figure => near.observe(figure));
})();

// Paper has no folds: what is closed is printed open, in its place, and closed again afterwards.
(() => {
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open], .dropdown)")];
    for (const fold of closed) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of closed) fold.open = false;
  });
})();

// Copying says what was copied, and leaves the keyboard where it was: on the button.
document.addEventListener("DOMContentLoaded", () => {
  const said = document.createElement("p");
  said.className = "visually-hidden";
  said.setAttribute("role", "status");
  document.body.append(said);
  for (const button of document.querySelectorAll(".copybtn")) {
    const name = button.closest("[role=group]")?.getAttribute("aria-label").toLowerCase() ?? "code";
    button.setAttribute("aria-label", `Copy ${name}`);
    button.addEventListener("click", () => {
      setTimeout(() => {
        button.focus();
        said.textContent = `Copied ${name}`;
        setTimeout(() => { said.textContent = ""; }, 2000);
      });
    });
  }
});

// The buttons of the header say what they have done, and keep the focus, which the theme takes from them.
document.addEventListener("DOMContentLoaded", () => {
  const root = document.documentElement, sidebar = document.getElementById("pst-primary-sidebar");
  const words = { auto: "as the system has them", light: "light", dark: "dark" };
  const tell = () => {
    for (const button of document.querySelectorAll(".theme-switch-button")) {
      button.setAttribute("aria-label", `Colours: ${words[root.dataset.mode]}`);
    }
    const toggle = document.querySelector(".primary-toggle");
    if (matchMedia("(min-width: 992px)").matches) {
      toggle?.setAttribute("aria-expanded", !sidebar.classList.contains("pst-sidebar-hidden"));
    }
  };
  const changed = new MutationObserver(tell);
  changed.observe(root, { attributeFilter: ["data-mode"] });
  if (sidebar) changed.observe(sidebar, { attributeFilter: ["class"] }); // not there in a page that was taken away
  tell();
  for (const button of document.querySelectorAll(".bd-header-article button")) {
    button.addEventListener("click", () => button.focus(), true);
    button.parentElement.addEventListener("click", () => { // where the theme lets no other listener hear of it
      setTimeout(() => { if (document.activeElement === document.body) button.focus(); });
    }, true);
  }
});

// A menu closes when a reader turns to something else.
for (const menu of document.querySelectorAll("details.dropdown")) {
  document.addEventListener("click", event => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", event => {
    if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); }
  });
}

// Buttons that copy, and links to the glossary and the library, are many. In each section they are one stop of the
// keyboard; the arrows to the left and right go on among them.
document.addEventListener("DOMContentLoaded", () => {
  const extras = "a.linked-term, a.linked-name, a.reference.external, .copybtn", groups = new Map();
  const isShown = extra => !extra.closest("details:not([open])");
  for (const extra of document.querySelectorAll(`article :is(${extras})`)) {
    const section = extra.closest("article > section > section") ?? document.body;
    groups.set(section, [...groups.get(section) ?? [], extra]);
  }
  const stopAt = (group, stop) => group.forEach(extra => { extra.tabIndex = extra === stop ? 0 : -1; });
  const hint = document.createElement("p");
  hint.className = "keys-hint";
  hint.setAttribute("role", "status");
  document.body.append(hint);
  for (const group of groups.values()) {
    stopAt(group, group.find(isShown) ?? group[0]);
    for (const extra of group) {
      extra.addEventListener("focus", () => {
        stopAt(group, extra);
        const told = hint.dataset.told !== undefined;
        if (told || group.length === 1 || !extra.matches(":focus-visible")) return;
        hint.dataset.told = "";
        hint.textContent = "← and → go to the other code and links of this section";
      });
      extra.addEventListener("blur", () => { hint.textContent = ""; });
      extra.addEventListener("keydown", event => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!step || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
        const shown = group.filter(each => each === extra || isShown(each));
        shown[shown.indexOf(extra) + step]?.focus();
        event.preventDefault();
      });
    }
  }
});
