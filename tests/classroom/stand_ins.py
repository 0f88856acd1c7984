"""What stands for a part of the grader in a process that a test starts; such a process imports it by name."""

import json
import os
import sys
from pathlib import Path

from swinlib.classroom.grading import Graded, Result


def grade_or_die(cells, exercises, **options):
    """Right, whatever it is; but one submission ends the process that looks at it."""
    if cells == ("die",):
        os._exit(1)
    return Graded({name: Result(True, 1.0, "right") for name in exercises}, ())


def slow_at_first(cells, exercises, **options):
    """Out of time when it looks at a file that is not there, which it makes; right otherwise."""
    path = Path(cells[0])
    late = path.is_absolute() and not path.exists()
    if late:
        path.touch()
    return Graded({name: Result(not late, float(not late), "") for name in exercises}, (), late)


def grade_text_or_not(text):
    """In place of `cluster.grade_text`: the same, but something else for a first cell that asks for it."""
    from swinlib.classroom.cluster import grade_text

    match (json.loads(text)["cells"] or ["honest"])[0]:
        case "no JSON":
            return "{"
        case "no text":
            return 5
        case "an object":
            return Runs()
        case "end the worker":
            os._exit(1)
    return grade_text(text)


class Runs:
    """Whoever unpickles it says so."""

    def __reduce__(self):
        return sys.exit, ("it was unpickled",)
