// Editors below the exercises: a learner's answer is run by a worker, and what is wrong is said below it. Loaded when a
// reader comes near; the interpreter, by the first Run; lines to put in order and the notebook, by their buttons.
"use strict";
(() => {
  if (globalThis.swinAnswers) return globalThis.swinAnswers.begin();
  const SECONDS = 5, STORE = "swin-answers";

  // What was written stays in the browser, where it lets pages keep something.
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(STORE)) ?? {}; } catch { /* it does not */ }
  const store = () => {
    try { localStorage.setItem(STORE, JSON.stringify(kept)); } catch { /* nor can it be told */ }
  };
  addEventListener("storage", ({ key, newValue }) => { // another page has written
    if (key === STORE || key === null) kept = JSON.parse(newValue) ?? {};
  });
  const keep = (name, more) => {
    kept[name] = { ...kept[name], ...more };
    store();
  };

  // One worker for the page. It is a Blob, since a page opened as a file may start no other.
  let program, chapter, worker;
  const addresses = () => document.querySelector("[data-interpreter]").dataset;
  const fetched = {};
  const fetchScript = address => fetched[address] ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = done;
    script.onerror = () => failed(new Error(`${script.src.slice(0, 200)} is missing`));
    document.head.append(script);
  });
  const start = async () => {
    const { interpreter, cases } = addresses();
    await Promise.all([fetchScript(interpreter), fetchScript(cases)]);
    return new Promise((done, failed) => {
      const started = new Worker(program);
      started.onerror = event => failed(new Error(event.message));
      started.onmessage = ({ data }) => {
        if (!data.ready) return failed(new Error(data.trace));
        // Before the first answer the chapter is made ready, for as long as that takes: an empty answer tells when.
        started.onmessage = ({ data }) => data.trace ? failed(new Error(data.trace)) : done(started);
        started.postMessage({ chapter, name: Object.keys(chapter.exercises)[0], source: "" });
      };
    });
  };
  const judgeNow = async (name, source, tell) => {
    worker ??= start();
    const running = await worker;
    tell("Running …");
    return new Promise((done, failed) => {
      const end = setTimeout(() => {
        running.terminate();
        worker = start();
        worker.catch(() => { worker = undefined; });
        done({ verdict: "wrong", message: `${name}: stopped after ${SECONDS} seconds. Does a loop in it ever end?` });
      }, 1000 * SECONDS);
      running.onmessage = ({ data }) => { clearTimeout(end); done(data); };
      running.onerror = event => { clearTimeout(end); worker = undefined; failed(new Error(event.message)); };
      running.postMessage({ name, source });
    });
  };
  let last = Promise.resolve(); // one answer after the other
  const judge = (...answer) => {
    const verdict = last.then(() => judgeNow(...answer));
    last = verdict.catch(() => {});
    return verdict;
  };

  // Writing code without an editor's help: spaces for Tab, and a new line begins where the last one did.
  const insert = (area, text) => {
    area.focus();
    if (!document.execCommand("insertText", false, text)) { // which can be undone
      area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input"));
    }
  };
  const lineStart = (area, place = area.selectionStart) => area.value.lastIndexOf("\n", place - 1) + 1;
  const shift = (area, out) => {
    const from = lineStart(area), to = area.selectionEnd, lines = area.value.slice(from, to);
    const moved = out ? lines.replace(/^ {1,4}/gm, "") : lines.replace(/^(?=.)/gm, "    ");
    if (moved === lines) return;
    area.setSelectionRange(from, to);
    insert(area, moved);
    area.setSelectionRange(lines.includes("\n") ? from : from + moved.length, from + moved.length);
  };
  const newLine = area => {
    const line = area.value.slice(lineStart(area), area.selectionStart);
    insert(area, `\n${line.match(/^ */)[0]}${/:\s*$/.test(line) ? "    " : ""}`);
  };

  const SIGNS = { right: "✓", wrong: "✗", missing: "–" };
  const KEYS = { "→": "indent", "←": "outdent", "(": "(", ")": ")", "[": "[", "]": "]", ":": ":", ",": ",", "=": "=", "_": "_" };
  const button = (text, action, name) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    if (name) made.setAttribute("aria-label", name);
    made.addEventListener("click", action);
    return made;
  };

  const isDone = name => Boolean(kept[name]?.done || kept[name]?.ordered);
  const reload = []; // shows what is kept, in each editor

  const equip = box => {
    const name = box.dataset.exercise, area = box.querySelector("textarea");
    const begun = area.defaultValue, heading = box.querySelector("label"), said = box.querySelector("[role=status]");
    const output = box.querySelector(".answer-printed"), place = box.querySelector(".puzzle");
    const ways = [...box.querySelectorAll(".answer-ways button")]; // to write it, to put it in order
    let leaving = false, busy = false, puzzle;
    const show = ({ verdict, message, printed }) => {
      said.dataset.verdict = verdict ?? "";
      said.textContent = verdict ? `${SIGNS[verdict]} ${message}` : message;
      output.textContent = printed ? `Your code printed:\n${printed}` : "";
    };
    const mark = () => {
      const how = kept[name]?.done ? " ✓ was right once" : kept[name]?.ordered ? " ✓ was put in order" : "";
      heading.textContent = `Your answer: ${name}${how}`;
    };
    const isOrdering = () => box.dataset.way === "order";
    const write = source => { area.value = source; keep(name, { source }); };
    // What is said of lines in an order: a wrong line that ran is named.
    const aboutOrder = (result, source, wrong) => {
      if (result.verdict === "right") {
        keep(name, { ordered: true });
        if (area.value !== begun) return result;
        write(source);
        return { ...result, message: `${result.message}\n  It stands below “Write it” now, too.` };
      }
      if (result.verdict !== "wrong") return result;
      puzzle.mark(wrong);
      const named = (said, [line, why]) => `${said.replace(`\n  ${why}`, "")}\n  A wrong line: ${line.trim()}\n  ${why}`;
      return { ...result, message: wrong.reduce(named, result.message) };
    };
    const run = async () => {
      if (busy) return;
      busy = true;
      const ordering = isOrdering(), source = ordering ? puzzle.source() : area.value, wrong = ordering && puzzle.wrong();
      try {
        show({ message: "Python is fetched …" });
        const result = await judge(name, source, message => show({ message }));
        if (ordering) show(aboutOrder(result, source, wrong));
        else { show(result); if (result.verdict === "right") keep(name, { done: true }); }
        mark();
      } catch (error) {
        worker = undefined;
        show({ verdict: "missing", message: "Python does not start in this browser; try it in the notebook." });
        console.error(error);
      }
      busy = false;
    };
    const reset = () => {
      if (isOrdering()) {
        puzzle.empty();
        show({ message: "All lines are out again." });
        return;
      }
      area.select();
      insert(area, begun);
      area.setSelectionRange(0, 0);
      show({ message: "As it was in the beginning." });
    };
    const take = async way => {
      try {
        if (way === "order" && !puzzle) {
          await fetchScript(addresses().lines);
          puzzle ??= swinAnswers.puzzle(place, swinAnswers.puzzles[name], kept[name]?.order, order => keep(name, { order }));
        }
        box.dataset.way = way;
        place.hidden = way !== "order";
        ways.forEach((each, number) => each.setAttribute("aria-pressed", (number === 1) === (way === "order")));
        show({ message: "" });
      } catch (error) {
        show({ verdict: "missing", message: "The lines cannot be fetched; write the answer instead." });
        console.error(error);
      }
    };
    ways.forEach((each, number) => each.addEventListener("click", () => {
      const way = number ? "order" : "write";
      if (!busy && box.dataset.way !== way) take(way).then(() => keep(name, { way }));
    }));
    place?.addEventListener("keydown", event => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      run();
    });
    const fill = () => { area.value = kept[name]?.source ?? begun; mark(); };
    reload.push(fill);
    area.addEventListener("input", () => keep(name, { source: area.value }));
    area.addEventListener("blur", () => { leaving = false; });
    area.addEventListener("keydown", event => {
      const { key } = event, command = event.ctrlKey || event.metaKey;
      if (key === "Escape") { leaving = true; return; }
      if (key === "Tab" && !leaving && !command && !event.altKey) shift(area, event.shiftKey);
      else if (key === "Enter" && command) run();
      else if (key === "Enter" && !event.shiftKey && !event.isComposing) newLine(area);
      else { if (key !== "Shift" && key !== "Tab") leaving = false; return; }
      event.preventDefault();
    });
    const keys = box.querySelector(".answer-keys");
    for (const [sign, what] of Object.entries(KEYS)) {
      const press = what.endsWith("dent") ? () => { area.focus(); shift(area, what === "outdent"); } : () => insert(area, what);
      keys.append(button(sign, press, what === sign ? undefined : what));
    }
    keys.addEventListener("pointerdown", event => event.preventDefault()); // the area keeps the focus
    const buttons = box.querySelector(".answer-buttons");
    buttons.prepend(button("Run", run, `Run your answer to ${name}`), button("Reset", reset, `Reset your answer to ${name}`));
    fill();
    if (place && kept[name]?.way === "order") take("order");
  };

  // The answers of a page as the student's notebook, and back.
  const file = box => {
    const [save, load, undo] = box.querySelectorAll("button"), input = box.querySelector("input");
    const said = box.querySelector("[role=status]");
    let before;
    const trying = async work => {
      said.textContent = "";
      try {
        await fetchScript(addresses().notebook);
      } catch (error) {
        said.textContent = "The notebook of this page cannot be fetched. Nothing was changed.";
        return console.error(error);
      }
      try { await work(); } catch (error) { said.textContent = error.message; }
    };
    save.addEventListener("click", () => trying(() => {
      const { file, content } = swinAnswers.saved(kept), link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([content], { type: "application/x-ipynb+json" }));
      link.download = file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      said.textContent = `Saved as ${file}, with what you wrote here.`;
    }));
    load.addEventListener("click", () => input.click());
    input.addEventListener("change", () => trying(async () => {
      const [chosen] = input.files;
      input.value = ""; // so that the same file can be chosen again
      const { sources, done, message } = swinAnswers.loaded(chosen.name, await chosen.text());
      before = structuredClone(kept);
      for (const [name, source] of Object.entries(sources)) keep(name, { source });
      for (const name of done) keep(name, { done: true });
      reload.forEach(fill => fill());
      said.textContent = message;
      undo.hidden = !Object.keys(sources).length && !done.length;
    }));
    undo.addEventListener("click", () => {
      kept = before;
      store();
      reload.forEach(fill => fill());
      load.focus();
      undo.hidden = true;
      said.textContent = "It is as before.";
    });
  };

  // All that the book keeps: answers, questions that come back, and where the reader was.
  const keptHere = () => {
    try { return Object.keys(localStorage).filter(name => name.startsWith("swin-")); } catch { return []; }
  };
  const ERASE = "Erase all that this browser keeps of the book: where you were, what you wrote and solved in its pages, "
    + "and which questions come back?";

  // On the start page: how many are done, of which chapter, and a button that erases all that is kept.
  const count = box => {
    const chapters = JSON.parse(box.dataset.exercises), all = chapters.flatMap(({ names }) => names);
    const done = names => names.filter(isDone).length;
    const sentence = document.createElement("p"), list = document.createElement("ul");
    const forget = button("Erase what this browser keeps", () => {
      if (!confirm(ERASE)) return;
      kept = {};
      keptHere().forEach(name => localStorage.removeItem(name));
      dispatchEvent(new Event("swin-erased"));
      tell();
    });
    const tell = () => {
      const ordered = all.filter(name => isDone(name) && !kept[name].done).length;
      sentence.textContent = `${done(all)} of ${all.length} exercises done${ordered ? `, ${ordered} of them by putting lines in order` : ""}`;
      list.replaceChildren(...chapters.filter(({ names }) => done(names)).map(({ title, page, names }) => {
        const entry = document.createElement("li"), link = document.createElement("a");
        link.href = page;
        link.textContent = title;
        entry.append(link, `: ${done(names)} of ${names.length}`);
        return entry;
      }));
      forget.hidden = !keptHere().length;
    };
    sentence.setAttribute("role", "status");
    box.prepend(sentence, list);
    box.append(forget);
    tell();
  };

  globalThis.swinAnswers = {
    begin() {
      for (const box of document.querySelectorAll(":is(.answer, .answers-file, .answers-done):not([data-ready])")) {
        box.dataset.ready = "";
        (box.matches(".answer") ? equip : box.matches(".answers-file") ? file : count)(box);
      }
    },
    worker(text) { program = URL.createObjectURL(new Blob([text], { type: "text/javascript" })); },
    chapter(data) { chapter = data; },
  };
  globalThis.swinAnswers.begin();
})();
