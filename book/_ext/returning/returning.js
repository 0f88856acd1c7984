// Recap questions that were answered wrong come back at the end of chapters that are read later. What is kept of them,
// their schedule, stays in the browser, where it lets pages keep something.
const STORE = "swin-questions", MOST = 3; // questions at the end of one chapter

function read() {
  try { return JSON.parse(localStorage.getItem(STORE)) ?? {}; } catch { return {}; }
}
function write(cards) {
  try { localStorage.setItem(STORE, JSON.stringify(cards)); } catch { /* then they do not come back */ }
}

// Of the answers to a question on one page the first counts, as the later ones come after its explanation. One that was
// never wrong is left alone; so is one that is known before it is due.
function note(question, right, now = Date.now()) {
  const cards = read(), card = cards[question];
  if (right && !(card?.due <= now)) return;
  write({ ...cards, [question]: schedule(card, right, now) });
}
function watch(form) {
  const seen = new Set();
  new MutationObserver(changes => {
    for (const { target } of changes) {
      const { question, verdict } = target.dataset;
      if (!question || !verdict || seen.has(question)) continue;
      seen.add(question);
      note(question, verdict === "right");
    }
  }).observe(form, { subtree: true, attributeFilter: ["data-verdict"] });
}

// Those that are due, longest first. A question's name begins with the number of its chapter.
const dueNow = (here, now = Date.now()) => Object.entries(read())
  .filter(([question, { due }]) => due <= now && !question.startsWith(here))
  .sort(([, one], [, other]) => one.due - other.due)
  .map(([question]) => question);

const make = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

// The question as its own chapter has it, under a name that no other has on this page.
function ask(question, { title, page, texts }, k) {
  const holder = document.createElement("template");
  holder.innerHTML = texts[question];
  const fieldset = holder.content.firstElementChild;
  for (const radio of fieldset.querySelectorAll("input")) radio.name = `returning-${k}`;
  const from = fieldset.querySelector(".swin-quiz-number");
  from.replaceChildren("From chapter ", make("a", { href: page }, title));
  return fieldset;
}

async function begin(box) {
  const { here, chapters } = box.dataset;
  for (const form of document.querySelectorAll(".swin-quiz")) watch(form);
  const wanted = dueNow(here), asked = [];
  for (const question of wanted) {
    if (asked.length === MOST) break;
    const chapter = await chapterOf(question.slice(0, 2), chapters);
    // A question may have changed, or gone, since it was asked.
    if (chapter?.texts[question]) asked.push(ask(question, chapter, asked.length + 1));
  }
  box.dataset.begun = "";
  if (!asked.length) return;
  const form = make("form", { class: "swin-quiz", "data-quiz": "returning", method: "dialog", autocomplete: "off",
    "aria-labelledby": "returning-questions" },
  ...asked, make("div", { class: "swin-quiz-end" }, make("p", { class: "swin-quiz-count", role: "status" }),
    make("button", { type: "reset" }, WORDS.again)));
  box.append(make("h3", { id: "returning-questions" }, "Once more"), make("p", {}, HOW), form);
  startQuiz("returning", WORDS);
  watch(form);
}

// The questions of a chapter, by their names, are a script of their own; a page opened as a file may fetch nothing else.
const fetched = {}, told = {};
function chapterOf(number, folder) {
  return fetched[number] ??= new Promise(done => {
    const script = make("script", { src: `${folder}${number}.js` });
    script.onload = () => done(told[number]);
    script.onerror = () => done(undefined); // a chapter that there is no more
    document.head.append(script);
  });
}
globalThis.swinQuestions = (number, chapter) => { told[number] = chapter; };
for (const box of document.querySelectorAll(".returning-questions")) begin(box);
