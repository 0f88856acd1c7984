"""Runs in the sandbox: loads the libraries once, and forks a process for each student's notebook.

A fork is told what to do on a socket of its own, and answers there (see `wire`). Nothing is decided here: the code of
the student shares that process, so whatever it answers, it may be the student who answers. Started by `sandbox`, as a
file, since the package is not on the path of an isolated Python.
"""

import contextlib
import gc
import json
import os
import resource
import signal
import socket
import sys
from typing import Any

READY, BEGUN, CONFINED = b"r", b"b", b"c"  # what is said before messages are


def main() -> None:
    """Load, say that it is ready, and fork whenever it is asked to."""
    settings = json.loads(sys.argv[1])
    sys.path.insert(0, settings["library"])
    grader = socket.socket(fileno=os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):  # what a student prints, or reads, goes nowhere
        os.dup2(nowhere, descriptor)

    from swinlib.classroom import namespaces
    from swinlib.classroom.notebook import Notebook

    notebook = Notebook()
    if settings["unsafe"]:
        for name, value in settings["limits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        os.dup2(nowhere, 2)
        grader.sendall(READY)
        notebook.line = Line(grader)
        notebook.line.answer(notebook)
        return
    namespaces.hide()
    gc.collect()
    gc.freeze()  # a fork then writes less into what it shares with this process
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to take note of forks that end
    grader.sendall(READY)
    os.dup2(nowhere, 2)
    while True:
        asked, descriptors, _, _ = socket.recv_fds(grader, 65536, 1)
        if not asked:
            os._exit(0)  # the grader has gone
        channel = socket.socket(fileno=descriptors[0])
        if os.fork() == 0:
            grader.close()
            be_confined(channel, json.loads(asked))
            notebook.line = Line(channel)
            notebook.line.answer(notebook)
        channel.close()


def be_confined(channel: socket.socket, asked: dict[str, Any]) -> None:
    """Become the process of one student; this returns in that process only.

    Three forks take part. The first stays outside of the new namespaces; the grader is told which it is, and ends it
    with all that descends from it. The second is the first process inside, with which all others there end. The third
    is the student's.
    """
    from swinlib.classroom import namespaces

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        channel.send(BEGUN)  # the kernel tells the grader who sends it
        namespaces.hide(False)  # or it may not write down who it is
        namespaces.leave()
        namespaces.hide()
        if os.fork():
            channel.close()
            os.wait()
            os._exit(0)
        namespaces.furnish(**asked["room"])
        student = os.fork()
        if student:
            channel.close()
            while os.wait()[0] != student:
                pass
            os._exit(0)
        namespaces.give_up_rights(**{**asked["rights"], "refused": bytes.fromhex(asked["rights"]["refused"])})
        namespaces.hide(False)  # libraries read /proc/self
        channel.send(CONFINED)
    except BaseException as error:
        with contextlib.suppress(OSError):
            channel.send(f"{type(error).__name__}: {error}".encode())
        os._exit(1)


class Line:
    """The socket to the grader: questions in, answers out."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.number = None  # of the question that is being answered

    def answer(self, notebook: Any) -> list[object]:
        """Answer questions until the grader says that whoever waits may go on, and with what."""
        from swinlib.classroom.wire import LENGTHS, lengths, unpack

        while True:
            text, blob = lengths(self._read(LENGTHS.size))
            number, kind, *arguments = unpack(self._read(text), self._read(blob))
            if kind == "go_on":
                return arguments
            self.number = number
            self._write([number, "done", getattr(notebook, kind)(*arguments)], notebook)

    def ask_back(self, what: str, notebook: Any, told: object) -> list[object]:
        """In the middle of an answer, say that a check or a callback is called, and answer what the grader asks then.

        Args:
            what: ``"check"`` or ``"callback"``.
            notebook: that answers.
            told: which one, and with what.
        """
        number = self.number
        self._write([number, what, told], notebook)
        said = self.answer(notebook)
        self.number = number
        return said

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.channel.recv(count - len(data))
            if not part:
                os._exit(0)  # the grader has gone
            data += part
        return data

    def _write(self, message: object, notebook: Any) -> None:
        from swinlib.classroom.wire import pack

        self.channel.sendall(pack(message, notebook.hold))


if __name__ == "__main__":
    main()
