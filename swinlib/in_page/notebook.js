// What a learner wrote in a page of exercises, as the notebook that the page offers, and back.
"use strict";
(() => {
  const told = () => swinAnswers.notebook; // its file's name, the page's title, the notebook, and whose cells are where
  const text = source => Array.isArray(source) ? source.join("") : typeof source === "string" ? source : "";
  const begun = name => text(told().notebook.cells[told().places[name]].source);
  const list = names => names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join("");

  swinAnswers.saved = kept => {
    const notebook = structuredClone(told().notebook);
    for (const [name, place] of Object.entries(told().places)) {
      const source = kept[name]?.source?.replace(/\n+$/, ""); // no cell ends with an empty line
      if (source !== undefined) notebook.cells[place].source = source.match(/.*\n|.+/g) ?? [];
    }
    return { file: told().file, content: `${JSON.stringify(notebook, null, 1)}\n` };
  };

  // What a file has: `sources` of the answers, by exercise; names of those `done`, whose check has said so in Jupyter;
  // and a `message`. An error, with what to do, if it is no notebook of this page.
  swinAnswers.loaded = (file, content) => {
    let notebook;
    const names = Object.keys(told().places), kept = "Nothing was changed.";
    try { notebook = JSON.parse(content); } catch {
      throw new Error(`${file} is no notebook, or only a part of one: it is not valid JSON. Choose a file that was `
        + `saved here or by Jupyter, such as ${told().file}. ${kept}`);
    }
    const cells = notebook?.cells;
    if (!Array.isArray(cells) || !cells.every(cell => typeof cell?.cell_type === "string")) {
      throw new Error(`${file} is JSON, but no notebook of today's format: it has no list of cells. Choose a file that `
        + `was saved here or by Jupyter, such as ${told().file}. ${kept}`);
    }
    const code = cells.filter(cell => cell.cell_type === "code");
    const answer = name => {
      const defines = new RegExp(`^(?:def|class)\\s+${name}\\b|^${name}\\s*=[^=]`, "m");
      return code.map(cell => text(cell.source)).findLast(source => defines.test(source));
    };
    const checks = name => code.filter(cell => text(cell.source).includes(`check.${name}(`));
    if (!names.some(name => answer(name) !== undefined || checks(name).length)) {
      const first = text(cells.find(cell => cell.cell_type === "markdown")?.source).match(/^# (.*)/m)?.[1];
      throw new Error(`${file} is a notebook, but not of this page, “${told().title}”: it has none of the exercises `
        + `${list(names)}.${first ? ` It is called “${first}”.` : ""} ${kept}`);
    }
    const sources = {}, lacking = [], unwritten = [];
    for (const name of names) {
      const source = answer(name);
      if (source === undefined) lacking.push(name);
      else if (source.trim() === begun(name).trim()) unwritten.push(name);
      else sources[name] = source;
    }
    const printed = cell => Array.isArray(cell.outputs) ? cell.outputs.map(output => text(output?.text)).join("") : "";
    const done = names.filter(name => checks(name).some(cell => printed(cell).includes(`✓ ${name}: right on `)));
    const found = Object.keys(sources), rest = lacking.length + unwritten.length;
    return {
      sources, done,
      message: [
        found.length ? `Loaded from ${file}: ${list(found)}.` : `${file} has no answer yet.`,
        lacking.length ? `Not in the file: ${list(lacking)}.` : "",
        found.length && unwritten.length ? `Not begun in the file: ${list(unwritten)}.` : "",
        found.length && rest ? "What stood here for these stands here still." : "",
        done.length ? `Its checks say that these are right: ${list(done)}.` : "",
      ].filter(Boolean).join(" "),
    };
  };
})();
