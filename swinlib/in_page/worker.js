// Runs in a worker, behind the interpreter and `modules`: tells what a learner's answer is worth.
"use strict";
const interpreter = __BRYTHON__;
interpreter.use_VFS = true;
interpreter.protocol = "file"; // modules come from nowhere else
interpreter.$options = { debug: 1, indexeddb: false, static_stdlib_import: false };
const add = sources => interpreter.update_VFS(Object.fromEntries(
  Object.entries(sources).map(([name, [kind, source, isPackage]]) => [name, [kind, source, [], isPackage]])));
for (const silent of ["log", "info", "debug", "warn", "error"]) console[silent] = () => {};

const program = `
from browser import self as page
from javascript import JSON
from swinlib.in_page.answering import Chapter

def begin(text):
    told = JSON.parse(text)
    global chapter
    chapter = Chapter(told["name"], told["setup"], told["exercises"])

def answer(name, source):
    return JSON.stringify(chapter.answer(name, source))

page.begin, page.answer = begin, answer
`;

// What fails here is the page's fault: no verdict is reached, and the error is for whoever looks into it.
const trying = work => {
  try {
    return work();
  } catch (error) {
    let trace = String(error);
    try { trace = interpreter.error_trace(interpreter.exception(error)); } catch { /* it was none of Python's */ }
    return { verdict: "missing", message: "This page could not run your code; try it in the notebook.", trace };
  }
};

add(modules);
postMessage(trying(() => { interpreter.runPythonSource(program, "page"); }) ?? { ready: true });
onmessage = ({ data }) => {
  const failed = data.chapter && trying(() => {
    add(data.chapter.modules);
    begin(JSON.stringify(data.chapter));
  });
  if (failed) postMessage(failed);
  if (data.name) postMessage({ id: data.id, ...trying(() => JSON.parse(answer(data.name, data.source))) });
};
