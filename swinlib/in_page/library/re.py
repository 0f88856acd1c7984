"""``re``: the interpreter's own, with flags that are plain numbers."""

from python_re import *  # noqa: F403

NOFLAG, A, ASCII, I, IGNORECASE, L, LOCALE = 0, 256, 256, 2, 2, 4, 4  # noqa: E741
U, UNICODE, M, MULTILINE, S, DOTALL, X, VERBOSE, DEBUG = 32, 32, 8, 8, 16, 16, 64, 64, 128
