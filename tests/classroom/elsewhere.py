"""An answer that is tried as one in a sandbox is, and lives in this process: all but the sandbox itself."""

import time
from contextlib import contextmanager

from swinlib.classroom.objects import Objects
from swinlib.classroom.there import Gone, There
from swinlib.classroom.wire import LENGTHS, lengths, pack, unpack


class Box:
    """What `There` asks, with messages that are written and read as those of a sandbox.

    Attributes:
        asked: the bytes of everything that was sent there.
    """

    def __init__(self):
        self.objects = Objects(self.ask_back)
        self.on, self.meet = {}, None
        self.asked = []

    def ask(self, kind, what, asked, *, on, meet):
        assert kind == "do"
        self.on, self.meet = on, meet
        self.asked.append(asked.numpy().tobytes())
        return self.sent(self.objects.do(what, asked))

    def ask_back(self, told):
        on, meet = self.on, self.meet
        (said,) = on["callback"](self.sent(told))
        self.on, self.meet = on, meet
        self.asked.append(said.numpy().tobytes())
        return [said]

    def sent(self, value):
        message = pack(value, self.objects.hold)
        text, _ = lengths(message[: LENGTHS.size])
        body = message[LENGTHS.size :]
        return unpack(body[:text], body[text:], self.meet)


@contextmanager
def elsewhere(function, box=None, seconds=60):
    """A function as the grader sees one in a sandbox."""
    box = box or Box()
    there = There(box, time.monotonic() + seconds)
    try:
        yield there.meet(*box.objects.hold(function))
    except Gone as gone:
        raise gone.why from None
    finally:
        there.over = True
        box.objects.end()
