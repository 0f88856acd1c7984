"""``re``: the interpreter's own, without the class of its flags, which would need `enum`."""

from python_re import *  # noqa: F403
