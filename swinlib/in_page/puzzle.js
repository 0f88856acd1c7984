// An exercise as lines to be put in order. What a reader puts together is run like any answer; which order is right is
// not known here. A line goes into the program by a tap or by Space; there, another picks it up, to be moved or taken
// out by the buttons or by keys.
"use strict";
swinAnswers.puzzle = (place, told, order, changed) => {
  const make = (tag, text, more) => Object.assign(document.createElement(tag), { textContent: text }, more);
  const head = make("pre", told.head), program = make("ol"), rest = make("ul");
  const keys = make("div", "");
  const said = make("p", "", { className: "visually-hidden" });
  const title = make("p", "Lines to choose from", { id: `lines-${place.closest(".answer").dataset.exercise}` });
  program.setAttribute("aria-label", "Your program");
  rest.setAttribute("aria-labelledby", title.id);
  keys.setAttribute("role", "group");
  keys.setAttribute("aria-label", "Move the line that is picked up");
  said.setAttribute("role", "status");
  head.tabIndex = 0; // it may scroll
  let held, before; // the line that is picked up, and how many stood before it

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
      delete entry.dataset.verdict;
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
    before = number(entry) - 1;
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
    held.remove();
    program.insertBefore(held, program.children[before] ?? null);
    putDown();
  };
  const move = step => {
    const other = step < 0 ? held.previousElementSibling : held.nextElementSibling;
    if (other) step < 0 ? other.before(held) : other.after(held);
    held.scrollIntoView({ block: "nearest" });
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
    if (step && entry === held) { move(step); focus(entry); } // which loses it on the way
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
    make("p", "Choose the lines of the program; some are wrong and stay out. Choose a line in the program to pick it up, "
      + "and the buttons below it move it. By keyboard: arrows and Space."),
    head, program, keys, title, rest, said,
  );
  stopAt(listed()[0]);
  settle("");

  return {
    source: () => [told.head, ...[...program.children].map(entry => entry.line), ""].join("\n"),
    // The wrong lines in the program, each with what is wrong about it; and to mark them.
    wrong: () => [...program.children].map(({ line }) => [line, told.wrong[line]]).filter(([, why]) => why),
    mark(wrong) {
      for (const [line] of wrong) entries.find(entry => entry.line === line).dataset.verdict = "wrong";
    },
    empty() {
      held = undefined;
      for (const entry of [...program.children]) toRest(entry);
      stopAt(listed()[0]);
      settle("");
    },
  };
};
