"""Run in a process of its own: a page's answers, in CPython with the small torch in place of PyTorch.

Standard input: JSON with what `answers_in_page.chapter_data` gives, all ``modules``, and ``answers``: for each the name
of the exercise and a source. Standard output: JSON, for each what `swinlib.in_page.answering` says of it.
"""

import contextlib
import importlib.abc
import importlib.util
import json
import sys


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of a page, and nothing else under their names."""

    def __init__(self, modules):
        self.modules = modules
        self.roots = {name.split(".")[0] for name in modules}

    def find_spec(self, name, path=None, target=None):
        if name in self.modules:
            return importlib.util.spec_from_loader(name, self, is_package=self.modules[name][1])
        if name.split(".")[0] in self.roots:
            raise ModuleNotFoundError(f"a page has no {name}", name=name)
        return None

    def exec_module(self, module):
        exec(compile(self.modules[module.__name__][0], f"page/{module.__name__}", "exec"), vars(module))


def main():
    given = json.load(sys.stdin)
    sys.meta_path.insert(0, Finder(given["modules"]))
    from swinlib.in_page.answering import Chapter

    chapter = Chapter(given["name"], given["setup"], given["exercises"])
    return [chapter.answer(name, source) for name, source in given["answers"]]


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        found = main()
    json.dump(found, sys.stdout)
