"""Run in a process of its own: answers, judged with the small torch in place of PyTorch.

Standard input: JSON with ``chapter``, its ``modules``, what is ``stored`` for each exercise, and ``answers``: each with
the ``exercise``, and either the name of a known ``mistake`` or a ``source`` and the ``function`` in it.
Standard output: JSON, a verdict for each answer.
"""

import contextlib
import importlib
import importlib.abc
import importlib.util
import json
import sys
import time


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
    checks = importlib.import_module(f"swinlib.check.c{given['chapter']}")
    import torch

    from swinlib.answers import beside
    from swinlib.in_page.verdict import Stored

    exercises = {name: Stored(getattr(checks, name), data) for name, data in given["stored"].items()}
    verdicts = []
    for number, answer in enumerate(given["answers"]):
        stored = exercises[answer["exercise"]]
        started = time.perf_counter()
        try:
            if "mistake" in answer:
                known = {mistake.name: mistake.function for mistake in stored.exercise.mistakes}
                function = known[answer["mistake"]]
            else:
                file = f"answer {number}"
                beside.SOURCES[file] = answer["source"].splitlines()
                names = {"__name__": "__main__"}
                exec(compile(answer["source"], file, "exec"), names)
                function = names[answer["function"]]
            verdict = stored.judge(function, anything_goes="mistake" in answer)
            found = {"passed": verdict.passed, "message": verdict.message, "mistake": verdict.mistake}
        except torch.NotHere as missing:
            found = {"missing": str(missing)}
        except Exception as error:
            import traceback

            found = {"missing": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()[-1500:]}
        verdicts.append({**found, "seconds": time.perf_counter() - started})
    return verdicts


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # what answers print
        found = main()
    json.dump(found, sys.stdout)
