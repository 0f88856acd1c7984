// An exercise as lines to be put in order. What a reader puts together is run like any answer; which order is right is
// not known here. A line goes into the program by a tap or by Space; there another one picks it up, to be moved or
// taken out by the arrow keys or the buttons.
"use strict";
swinAnswers.puzzle = (place, told, order, changed) => {
  const make = (tag, text, more) => Object.assign(document.createElement(tag), { textContent: text }, more);
  const head = make("pre", told.head), program = make("ol"), rest = make("ul");
  const keys = make("div", "", { className: "puzzle-keys" });
  const said = make("p", "", { className: "visually-hidden" });
  program.setAttribute("aria-label", "Your program");
  rest.setAttribute("aria-label", "Lines to choose from");
  keys.setAttribute("role", "group");
  keys.setAttribute("aria-label", "Move the line that is picked up");
  said.setAttribute("role", "status");
  head.tabIndex = 0; // it may scroll
  let held, before; // the line that is picked up, and which one it stood before

  const entries = told.lines.map(line => {
    const entry = make("li", ""), button = make("button", line.trim(), { type: "button", tabIndex: -1 });
    button.style.setProperty("--depth", line.search(/\S/));
    entry.append(button);
    entry.line = line;
    return entry;
  });
  const listed = () => [...program.children, ...rest.children];
  const isUsed = entry => entry.parentElement === program;
  const number = entry => [...program.children].indexOf(entry) + 1;
  const where = entry => `line ${number(entry)} of ${program.children.length}`;
  const stopAt = entry => listed().forEach(each => { each.firstChild.tabIndex = each === entry ? 0 : -1; });
  const focus = entry => {
    stopAt(entry);
    entry.firstChild.focus({ preventScroll: true });
    entry.scrollIntoView({ block: "nearest" });
  };
  const settle = text => {
    for (const entry of listed()) {
      if (isUsed(entry)) entry.firstChild.setAttribute("aria-pressed", entry === held);
      else entry.firstChild.removeAttribute("aria-pressed");
      delete entry.dataset.wrong;
    }
    for (const key of keys.children) key.disabled = !held;
    said.textContent = text;
    changed([...program.children].map(entry => entry.line));
  };
  // Back among the others, where it was.
  const toRest = entry => {
    const after = [...rest.children].find(each => entries.indexOf(each) > entries.indexOf(entry));
    rest.insertBefore(entry, after ?? null);
  };

  const add = entry => {
    const next = entry.nextElementSibling ?? entry.previousElementSibling ?? entry;
    held = undefined;
    program.append(entry);
    settle(`${entry.line.trim()}: ${where(entry)}`);
    focus(next);
  };
  const pickUp = entry => {
    held = entry;
    before = entry.nextElementSibling;
    focus(entry);
    settle(`Picked up ${where(entry)}. Arrows move it, Space puts it down, Delete takes it out, Escape puts it back.`);
  };
  const putDown = () => {
    const entry = held;
    held = undefined;
    settle(`Put down as ${where(entry)}.`);
    focus(entry);
  };
  const putBack = () => {
    program.insertBefore(held, before);
    putDown();
  };
  const move = step => {
    const other = step < 0 ? held.previousElementSibling : held.nextElementSibling;
    if (other) step < 0 ? other.before(held) : other.after(held);
    focus(held); // which is lost on the way
    settle(where(held));
  };
  const takeOut = entry => {
    const next = entry.nextElementSibling ?? entry.previousElementSibling ?? entry;
    held = undefined;
    toRest(entry);
    settle(`Taken out: ${entry.line.trim()}`);
    focus(next);
  };

  for (const [sign, name, action] of [
    ["↑", "Up", () => move(-1)], ["↓", "Down", () => move(1)], ["Take out", "", () => takeOut(held)],
    ["Put down", "", putDown],
  ]) {
    const key = make("button", sign, { type: "button" });
    if (name) key.setAttribute("aria-label", name);
    key.addEventListener("click", action);
    keys.append(key);
  }
  place.addEventListener("click", ({ target }) => {
    const entry = target.closest("li");
    if (!entry) return;
    if (!isUsed(entry)) add(entry);
    else if (entry === held) putDown();
    else pickUp(entry);
  });
  place.addEventListener("keydown", event => {
    const entry = event.target.closest("li"), step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!entry || event.ctrlKey || event.altKey || event.metaKey) return;
    if (step && entry === held) move(step);
    else if (step) { const all = listed(); focus(all[all.indexOf(entry) + step] ?? entry); }
    else if (event.key === "Escape" && held) putBack();
    else if (["Delete", "Backspace"].includes(event.key) && isUsed(entry)) takeOut(entry);
    else return;
    event.preventDefault();
  });

  rest.append(...entries);
  for (const line of order ?? []) {
    const entry = [...rest.children].find(each => each.line === line);
    if (entry) program.append(entry);
  }
  place.append(
    make("p", "Tap lines into the program; some of them are wrong and stay out. A line of the program that you tap is "
      + "picked up, to be moved. By keyboard: arrows, and Space."),
    head, program, keys, rest, said,
  );
  stopAt(listed()[0]);
  settle("");

  return {
    source: () => [told.head, ...[...program.children].map(entry => entry.line), ""].join("\n"),
    // The wrong lines in the program, each with what is wrong about it.
    wrong: () => [...program.children].filter(entry => told.wrong[entry.line]).map(entry => {
      entry.dataset.wrong = "";
      return [entry.line.trim(), told.wrong[entry.line]];
    }),
    empty() {
      held = undefined;
      for (const entry of [...program.children]) toRest(entry);
      stopAt(listed()[0]);
      settle("");
    },
  };
};
