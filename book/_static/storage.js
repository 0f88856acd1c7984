// Where a browser forbids pages to keep anything, even to ask for the store is an error, and the scripts after it would
// not run. There pages get one that forgets.
"use strict";
try { localStorage.length; } catch {
  const kept = new Map();
  const store = {
    getItem: name => kept.get(name) ?? null,
    setItem: (name, value) => { kept.set(name, String(value)); },
    removeItem: name => { kept.delete(name); },
  };
  Object.defineProperty(globalThis, "localStorage", { value: store });
}
