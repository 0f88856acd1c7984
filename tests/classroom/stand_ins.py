"""What stands for a part of the grader in a process that a test starts; such a process imports it by name."""

import os

from swinlib.classroom.grading import Graded, Result


def grade_or_die(cells, exercises, **options):
    """Right, whatever it is; but one submission ends the process that looks at it."""
    if cells == ("die",):
        os._exit(1)
    return Graded({name: Result(True, 1.0, "right") for name in exercises}, ())
