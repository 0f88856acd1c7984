"""``itertools``, after the equivalents in Python's manual: those of the page's interpreter lose zeros."""

import operator
from _collections import deque  # `collections` imports this module


def accumulate(iterable, func=operator.add, *, initial=None):
    iterator, total = iter(iterable), initial
    if initial is None:
        try:
            total = next(iterator)
        except StopIteration:
            return
    yield total
    for element in iterator:
        total = element + total if func is None else func(total, element)
        yield total


def batched(iterable, n, *, strict=False):
    if n < 1:
        raise ValueError("n must be at least one")
    iterator = iter(iterable)
    while batch := tuple(islice(iterator, n)):
        if strict and len(batch) != n:
            raise ValueError("batched(): incomplete batch")
        yield batch


class chain:  # noqa: N801 - Python's name
    def __init__(self, *iterables):
        self._entries = (element for iterable in iterables for element in iterable)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._entries)

    @classmethod
    def from_iterable(cls, iterables):
        found = cls()
        found._entries = (element for iterable in iterables for element in iterable)
        return found


def combinations(iterable, r):
    pool = tuple(iterable)
    if r < 0:
        raise ValueError("r must be non-negative")
    for places in permutations(range(len(pool)), r):
        if sorted(places) == list(places):
            yield tuple(pool[i] for i in places)


def combinations_with_replacement(iterable, r):
    pool = tuple(iterable)
    if r < 0:
        raise ValueError("r must be non-negative")
    for places in product(range(len(pool)), repeat=r):
        if sorted(places) == list(places):
            yield tuple(pool[i] for i in places)


def compress(data, selectors):
    return (datum for datum, selector in zip(data, selectors, strict=False) if selector)


def count(start=0, step=1):
    n = start
    while True:
        yield n
        n += step


def cycle(iterable):
    saved = []
    for element in iterable:
        yield element
        saved.append(element)
    while saved:
        for element in saved:
            yield element


def dropwhile(predicate, iterable):
    iterator = iter(iterable)
    for element in iterator:
        if not predicate(element):
            yield element
            break
    yield from iterator


def filterfalse(predicate, iterable):
    return (element for element in iterable if not (bool if predicate is None else predicate)(element))


class groupby:  # noqa: N801 - Python's name
    def __init__(self, iterable, key=None):
        self.key = (lambda x: x) if key is None else key
        self.iterator = iter(iterable)
        self.wanted = self.found = self.value = object()

    def __iter__(self):
        return self

    def __next__(self):
        self.id = object()
        while self.found == self.wanted:
            self.value = next(self.iterator)
            self.found = self.key(self.value)
        self.wanted = self.found
        return (self.found, self._group(self.wanted, self.id))

    def _group(self, wanted, identity):
        while self.id is identity and self.found == wanted:
            yield self.value
            try:
                self.value = next(self.iterator)
            except StopIteration:
                return
            self.found = self.key(self.value)


def islice(iterable, *args):
    s = slice(*args)
    start, stop, step = s.start or 0, s.stop, 1 if s.step is None else s.step
    if step < 1:
        raise ValueError("Step for islice() must be a positive integer or None.")
    if start < 0:
        raise ValueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    if stop is not None and stop < 0:
        name = "Stop argument" if len(args) == 1 else "Indices"
        raise ValueError(f"{name} for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    return _sliced(iter(iterable), start, stop, step)


def _sliced(iterator, start, stop, step):
    place, wanted = 0, start
    while stop is None or place < stop:
        try:
            element = next(iterator)
        except StopIteration:
            return
        if place == wanted:
            yield element
            wanted += step
        place += 1
        if stop is not None and wanted >= stop and place >= stop:
            return


def pairwise(iterable):
    iterator = iter(iterable)
    a = next(iterator, None)
    for b in iterator:
        yield a, b
        a = b


def permutations(iterable, r=None):
    pool = tuple(iterable)
    n = len(pool)
    r = n if r is None else r
    if r > n:
        return
    indices, cycles = list(range(n)), list(range(n, n - r, -1))
    yield tuple(pool[i] for i in indices[:r])
    while n:
        for i in reversed(range(r)):
            cycles[i] -= 1
            if cycles[i] == 0:
                indices[i:] = indices[i + 1 :] + indices[i : i + 1]
                cycles[i] = n - i
            else:
                j = cycles[i]
                indices[i], indices[-j] = indices[-j], indices[i]
                yield tuple(pool[i] for i in indices[:r])
                break
        else:
            return


def product(*iterables, repeat=1):
    result = [[]]
    for pool in [tuple(pool) for pool in iterables] * repeat:
        result = [[*before, entry] for before in result for entry in pool]
    return map(tuple, result)


def repeat(object, times=None):
    while times is None:
        yield object
    for _ in range(times):
        yield object


def starmap(function, iterable):
    return (function(*arguments) for arguments in iterable)


def takewhile(predicate, iterable):
    for element in iterable:
        if not predicate(element):
            return
        yield element


def tee(iterable, n=2):
    iterator, queues = iter(iterable), [deque() for _ in range(n)]

    def entries(mine):
        while True:
            if not mine:
                try:
                    element = next(iterator)
                except StopIteration:
                    return
                for each in queues:
                    each.append(element)
            yield mine.popleft()

    return tuple(map(entries, queues))


def zip_longest(*iterables, fillvalue=None):
    iterators, over = list(map(iter, iterables)), object()
    while True:
        entries = [next(each, over) for each in iterators]
        if all(each is over for each in entries):
            return
        yield tuple(fillvalue if each is over else each for each in entries)
