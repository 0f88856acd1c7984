"""What stands for a part of the grader in a process that a test starts; such a process imports it by name."""

import os
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
