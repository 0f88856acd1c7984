"""Runs in the sandbox: the cells of one student's notebook, and calls of what they define.

It is told what to do on its standard input and answers on its standard output (see `wire`). Nothing is decided here:
the code of the student shares this process, so whatever it answers, it may be the student who answers. Started by
`sandbox`, as a file, since the package is not on the path of an isolated Python.
"""

import os
import resource
import sys


def confine(limits: dict[str, int], user: int | None) -> None:
    """Give up what this process may need to give up by itself, before any code of the student runs.

    Args:
        limits: names of `resource` and their values, which cannot be raised again.
        user: to become, where the process is root's.
    """
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def own_channel() -> tuple[int, int]:
    """Descriptors for questions and answers; what the student prints, or reads, goes nowhere."""
    questions, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return questions, answers


def main() -> None:
    """Answer until nothing is asked any more."""
    import json

    settings = json.loads(sys.argv[1])
    confine(settings["limits"], settings["user"])
    questions, answers = own_channel()
    sys.path.insert(0, settings["library"])

    from swinlib.classroom.notebook import Notebook
    from swinlib.classroom.wire import LENGTHS, lengths, pack, unpack

    def read(count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = os.read(questions, count - len(data))
            if not part:
                os._exit(0)  # the grader has gone
            data += part
        return data

    notebook = Notebook(settings["checks"])
    while True:
        text, blob = lengths(read(LENGTHS.size))
        number, kind, *arguments = unpack(read(text), read(blob))
        data = pack([number, getattr(notebook, kind)(*arguments)])
        while data:
            data = data[os.write(answers, data) :]


if __name__ == "__main__":
    main()
