// What is amended in Brython once it is there. `brython.js` itself stays as its makers have it.
"use strict";
(() => {
  const $B = __BRYTHON__, builtins = $B.builtins, over = { done: true, value: null };
  const end = $B.generator_return(null).ob_type; // the kind of what a generator's `return` gives

  // Its iterators are asked for each entry by `__next__`, and tell their end by raising: most of the time of a small
  // program. A loop asks those of its own kinds directly.
  const drive = iterator => {
    const entries = $B.get_class(iterator).tp_iternext(iterator);
    return () => entries.next();
  };
  const zipped = ({ iters, strict }) => () => {
    const found = [];
    for (let i = 0; i < iters.length; i++) {
      const entry = iters[i].next();
      if (entry.done) {
        if (strict) endTogether(iters, i);
        return over;
      }
      found.push(entry.value);
    }
    return iters.length ? { done: false, value: $B.fast_tuple(found) } : over;
  };
  const endTogether = (iters, i) => {
    const before = count => count > 1 ? `arguments 1-${count}` : "argument 1";
    if (i > 0) $B.RAISE(builtins.ValueError, `zip() argument ${i + 1} is shorter than ${before(i)}`);
    for (let j = 1; j < iters.length; j++) {
      if (!iters[j].next().done) $B.RAISE(builtins.ValueError, `zip() argument ${j + 1} is longer than ${before(j)}`);
    }
  };
  builtins.zip.tp_iternext = function* (self) {
    const entry = zipped(self)();
    if (!entry.done) yield entry.value;
  };
  const mapped = ({ args, func }) => () => {
    const given = [];
    for (const each of args) {
      const entry = each.next();
      if (entry.done) return over;
      given.push(entry.value);
    }
    return { done: false, value: $B.$call(func, ...given) };
  };
  const generated = generator => () => {
    const running = generator.js_gen;
    running.$has_run = true;
    if (running.$finished) return over;
    if (running.gi_running === true) $B.RAISE(builtins.ValueError, "generator already executing");
    running.gi_running = true;
    const before = $B.frame_obj;
    if (generator.$frame) $B.frame_obj = $B.push_frame(generator.$frame);
    let entry;
    try {
      entry = running.next(builtins.None);
    } catch (error) {
      running.$finished = true;
      running.gi_running = false;
      $B.frame_obj = before;
      throw error;
    }
    if ($B.frame_obj !== null && $B.frame_obj.frame === generator.$frame) $B.leave_frame();
    $B.frame_obj = before;
    running.gi_running = false;
    const returned = entry.value?.ob_type === end;
    if (!returned && !entry.done) return entry;
    running.$finished = true;
    return over;
  };
  const counted = iterator => () => $B.get_class(iterator).tp_iternext(iterator).next();
  const quick = new Map([
    [builtins.zip, zipped], [builtins.map, mapped], [$B.generator, generated], [builtins.reversed, counted],
    ...[builtins.enumerate, $B.str_iterator, $B.dict_keyiterator, $B.dict_valueiterator, $B.dict_itemiterator,
      $B.list_iterator, $B.tuple_iterator].map(kind => [kind, drive]),
  ]);
  const plain = $B.make_js_iterator;
  $B.make_js_iterator = (iterable, frame, lineno) => {
    if (Object.hasOwn($B.get_class(iterable), $B.FAST_ITER)) return plain(iterable, frame, lineno);
    const iterator = $B.$iter(iterable), kind = quick.get($B.get_class(iterator));
    if (kind === undefined) return plain(iterator, frame, lineno);
    let tell = $B.set_lineno;
    if (frame === $B.NULL || (frame === undefined && !$B.frame_obj)) tell = () => {};
    else if (frame === undefined) ({ frame } = $B.frame_obj, lineno = frame.$lineno);
    const step = kind(iterator);
    return {
      [Symbol.iterator]() { return this; },
      next() {
        tell(frame, lineno);
        try {
          return step();
        } catch (error) {
          if ($B.is_exc(error, [builtins.StopIteration])) return over;
          throw error;
        }
      },
    };
  };

  const instead = (name, made) => {
    const before = builtins[name];
    const now = (...given) => given.length === 1 ? made(given[0]) : before(...given);
    for (const key of Reflect.ownKeys(before)) {
      if (!["length", "name", "prototype"].includes(key)) now[key] = before[key];
    }
    builtins[name] = now;
  };
  instead("all", iterable => {
    for (const each of $B.make_js_iterator(iterable)) if (!$B.$bool(each)) return false;
    return true;
  });
  instead("any", iterable => {
    for (const each of $B.make_js_iterator(iterable)) if ($B.$bool(each)) return true;
    return false;
  });

  // What is wrong with a call's arguments is said with the whole name of a method, `Block.forward()`.
  const { __name__: short, __qualname__: whole } = $B.func_attrs, parse = $B.args_parser;
  $B.args_parser = (called, given) => {
    if (called.$arguments_parser) return called.$arguments_parser(called, given);
    const told = called.$function_infos, name = told[short];
    told[short] = told[whole];
    try {
      return parse(called, given);
    } finally {
      told[short] = name;
    }
  };

  // `a.keys() & b.keys()` asks for a `set` that Brython has under another name.
  globalThis.set = builtins.set;

  // `bool(nan)` is true.
  const isTrue = $B.$bool;
  $B.$bool = (value, kind) => $B.exact_type(value, builtins.float) ? value.value !== 0 : isTrue(value, kind);

  // `slice(3)` ends at 3: Brython reads its one argument after it has written over it.
  const newSlice = builtins.slice.$factory;
  builtins.slice.$factory = (...given) =>
    given.length === 1 && !given[0]?.$kw ? newSlice(builtins.None, given[0]) : newSlice(...given);

  // A text of a number that is too large for a float is read as infinity.
  const newFloat = builtins.float.$factory;
  builtins.float.$factory = (...given) => {
    const number = typeof given[0] === "string" ? Number(given[0]) : 0;
    return Math.abs(number) === Infinity ? $B.fast_float(number) : newFloat(...given);
  };

  // A slice that begins before the first entry, or ends there, on the way backwards: CPython's rules.
  const bounds = builtins.slice.$conv_for_seq;
  builtins.slice.$conv_for_seq = (slice, length) => {
    const index = value => {
      if (!Number.isInteger(value) && $B.search_in_mro($B.get_class(value), "__index__", $B.NULL) === $B.NULL) {
        $B.RAISE(builtins.TypeError, "slice indices must be integers or None or have an __index__ method");
      }
      return Number($B.PyNumber_Index(value));
    };
    if (typeof length !== "number") return bounds(slice, length);
    const step = slice.step === builtins.None ? 1 : index(slice.step), back = step < 0;
    if (step === 0) $B.RAISE(builtins.ValueError, "slice step cannot be zero");
    const within = (value, otherwise) => {
      if (value === builtins.None) return otherwise;
      const place = index(value), counted = place < 0 ? place + length : place;
      return Math.min(Math.max(counted, back ? -1 : 0), back ? length - 1 : length);
    };
    const start = within(slice.start, back ? length - 1 : 0), stop = within(slice.stop, back ? -1 : length);
    return back && start <= stop ? { start: 0, stop: 0, step } : { start, stop, step };
  };
})();
