// What the pages of the book do, besides the theme's own scripts.
"use strict";

// Where the book's folder is; unknown to a page that stands alone, with its scripts in it.
const BOOK_FOLDER = document.currentScript?.src && new URL("..", document.currentScript.src).href;

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

// An address may say more than a place, as #step=7&token=7,7 does for a figure that goes by steps: the place is its
// first part. Once the figure is loaded, it answers by itself.
(() => {
  const find = () => {
    const [place, more] = location.hash.slice(1).split("&");
    if (more) document.getElementById(place)?.scrollIntoView();
  };
  addEventListener("hashchange", find);
  find();
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

// A word that leads to the glossary shows its entry beside it: to the mouse, to the keyboard, and at the first tap of a
// finger. The entries are fetched when one is first asked for. Until they are there, and in a page that stands alone,
// what the word means is in its title.
(() => {
  const TERM = "a.linked-term", SHOW = 150, HIDE = 300; // milliseconds: a mouse may pass by, or turn to the entry
  const box = document.createElement("div");
  box.id = box.className = "glossary-entry";
  box.setAttribute("role", "tooltip");
  let term, title, timer, entries, touched = false;
  globalThis.swinGlossary = all => {
    entries = new Map(all.flatMap(([anchors, ...entry]) => anchors.map(anchor => [anchor, entry])));
    if (term) fill();
  };
  const fetchEntries = () => {
    entries ??= new Map();
    if (!BOOK_FOLDER) return;
    const script = document.createElement("script");
    script.src = `${BOOK_FOLDER}_static/glossary.js`;
    document.head.append(script);
  };
  const paragraph = (html, className = "") => `<p class="${className}">${html}</p>`;
  const fill = () => {
    const [names, meaning] = entries.get(term.hash.slice(1)) ?? [];
    if (names) box.innerHTML = paragraph(names.join(" · "), "glossary-names") + paragraph(meaning);
    else box.textContent = title;
    if (touched) box.insertAdjacentHTML("beforeend", paragraph("Tap the word again to go to the glossary."));
    place();
  };
  const place = () => {
    const width = document.documentElement.clientWidth, lines = term.getClientRects();
    const first = lines[0], last = lines[lines.length - 1];
    const left = Math.max(8, Math.min(last.left, width - box.offsetWidth - 8));
    const fits = last.bottom + box.offsetHeight <= innerHeight || first.top < box.offsetHeight;
    const top = fits ? last.bottom : first.top - box.offsetHeight;
    box.style.translate = `${left + scrollX}px ${top + scrollY}px`;
  };
  const hide = () => {
    clearTimeout(timer);
    if (!term) return;
    box.remove();
    term.title = title;
    term.removeAttribute("aria-describedby");
    term = undefined;
  };
  const show = (next, byTouch = false) => {
    clearTimeout(timer);
    if (next === term) return;
    hide();
    if (!entries) fetchEntries();
    [term, title, touched] = [next, next.title, byTouch];
    term.removeAttribute("title"); // or the browser would show it as well
    term.setAttribute("aria-describedby", box.id);
    document.body.append(box);
    fill();
  };
  const later = (action, wait) => { clearTimeout(timer); timer = setTimeout(action, wait); };
  const termAt = event => event.target.closest?.(TERM);
  document.addEventListener("pointerover", event => {
    if (event.pointerType === "touch") return;
    const next = termAt(event);
    if (next) later(() => show(next), SHOW);
    else if (box.contains(event.target)) clearTimeout(timer);
    else later(() => { if (term !== document.activeElement) hide(); }, HIDE);
  });
  document.addEventListener("focusin", event => {
    const next = termAt(event);
    if (next?.matches(":focus-visible")) show(next);
    else if (next !== term) hide();
  });
  document.addEventListener("focusout", event => { if (termAt(event) === term) hide(); });
  document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
  let finger = false;
  document.addEventListener("pointerdown", event => {
    finger = event.pointerType === "touch";
    if (term && termAt(event) !== term && !box.contains(event.target)) hide();
  });
  document.addEventListener("click", event => {
    const next = termAt(event);
    if (!finger || !event.detail || next === term) return; // without detail it was a key
    if (box.contains(event.target)) hide();
    if (!next) return;
    event.preventDefault();
    show(next, true);
  });
  addEventListener("resize", () => { if (term) place(); });
  for (const event of ["beforeprint", "pagehide"]) addEventListener(event, hide);
})();

// Where a reader was, by page and heading, is kept in the browser, for the start page to offer going on there.
(() => {
  const pages = /^book\/(exercises\/)?(\d\d_\w+|recipes|instructors|corrections)\.html$/;
  const page = BOOK_FOLDER && location.href.replace(/[?#].*/, "").replace(BOOK_FOLDER, "");
  if (!pages.test(page)) return;
  const text = heading => [...heading.childNodes].filter(node => node.className !== "headerlink")
    .map(node => node.textContent).join("");
  addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "hidden") return;
    const headings = [...document.querySelectorAll("article section[id] > :is(h1, h2, h3)")];
    const passed = headings.filter(heading => heading.getBoundingClientRect().top < innerHeight / 3);
    const last = passed.at(-1), section = last?.matches("h1") ? undefined : last;
    const place = {
      page, title: text(headings[0]), anchor: section?.parentElement.id ?? "", heading: section ? text(section) : "",
    };
    try { localStorage.setItem("swin-place", JSON.stringify(place)); } catch { /* the browser keeps nothing */ }
  });
})();
