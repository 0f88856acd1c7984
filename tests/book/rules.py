"""What a stored notebook must be, beyond what running it again can prove.

Each rule takes a notebook and returns its problems, one sentence each; none if the notebook keeps the rule.
"""

import re
from collections.abc import Callable, Iterator

import store
from nbformat import NotebookNode

MAX_IGNORED = 0.05
MAX_LINES = 25  # of code that a reader sees unfolded
MAX_TRUTH_VALUES = 5  # outputs of a page that say no more than whether something holds
TRUTH_VALUE = re.compile(r"\b(?:True|False)\s*\Z")
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
HANDED_OUT = {"given"}  # a puzzle of an exercise, which is whole
# How a cell tells nbval not to compare its output: as a tag, or as a comment on a line of its own.
IGNORE_TAGS = {"nbval-ignore-output", "nbval-skip"}
IGNORE_COMMENT = re.compile(
    r"^\s*#+\s*(PYTEST_VALIDATE_IGNORE_OUTPUT|NBVAL_IGNORE_OUTPUT|NBVAL_SKIP)\s*$", re.MULTILINE
)
RAISES = "raises-exception"

NOISE = {
    "a warning": re.compile(r"\b\w*Warning\b"),
    "a memory address": re.compile(r"\bat 0x[0-9a-fA-F]+|\b0x[0-9a-fA-F]{8,}"),
    "a folder of this machine": re.compile(r"(?<![\w/.])(?:/home/|/root/|/tmp/|/usr/|/Users/|[A-Z]:\\)[\w.-]"),
    "a time": re.compile(r"\b\d+(?:\.\d+)? ?(?:ns|us|µs|μs|ms|seconds?|it/s)\b"),
}
ALT_TEXT = re.compile(r"""\balt=(?:"\s*[^"\s]|'\s*[^'\s])""")
CODE_IN_HTML = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL)
TRACEBACK = "Traceback (most recent call last)"

Rule = Callable[[NotebookNode], list[str]]


def code_cells(notebook: NotebookNode) -> list[tuple[str, NotebookNode]]:
    """Return each code cell with the name that a message gives it."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [(f"code cell {number} ({first_line(cell)!r})", cell) for number, cell in enumerate(cells, start=1)]


def first_line(cell: NotebookNode) -> str:
    """Return the first line of the source that is not empty."""
    return next((line for line in cell.source.splitlines() if line.strip()), "")


def tags(cell: NotebookNode) -> set[str]:
    """Return the cell's tags."""
    return set(cell.metadata.get("tags", []))


def is_ignored(cell: NotebookNode) -> bool:
    """Tell whether nbval is asked not to compare the cell's output."""
    return bool(tags(cell) & IGNORE_TAGS or IGNORE_COMMENT.search(cell.source))


def texts(output: NotebookNode) -> Iterator[str]:
    """Yield whatever a reader may read in an output."""
    if output.output_type == "stream":
        yield output.text
    elif output.output_type == "error":
        yield f"{output.ename}: {output.evalue}"
        yield "\n".join(output.traceback)
    else:
        for mime, data in output.data.items():
            if mime == "text/html":
                yield CODE_IN_HTML.sub("", data)
            elif mime.startswith("text/") or mime == "image/svg+xml":
                yield data


def shows_picture(output: NotebookNode) -> bool:
    """Tell whether a page shows the output as a picture; HTML beside a picture goes first."""
    data = output.get("data", {})
    return "text/html" not in data and any(mime.startswith("image/") for mime in data)


def every_cell_was_run_in_order(notebook: NotebookNode) -> list[str]:
    """The code cells carry the numbers 1, 2, 3, ...: the marks of one run from top to bottom."""
    problems = []
    for expected, (name, cell) in enumerate(code_cells(notebook), start=1):
        if not cell.source.strip():
            problems.append(f"{name} is empty.")
        elif cell.execution_count is None:
            problems.append(f"{name} was never run, so nothing compares its output.")
        elif cell.execution_count != expected:
            problems.append(f"{name} was run as number {cell.execution_count}, not {expected}: not from top to bottom.")
    return problems


def every_picture_is_described(notebook: NotebookNode) -> list[str]:
    """Every picture has an alternative text and a caption, in its cell's metadata or in the Markdown that shows it."""
    problems = []
    for name, cell in code_cells(notebook):
        number = sum(shows_picture(output) for output in cell.outputs)
        if not number:
            continue
        options = cell.metadata.get("mystnb", {})
        alt = options.get("image", {}).get("alt", "").strip()
        caption = options.get("figure", {}).get("caption", "").strip()
        if number > 1:
            problems.append(f"{name} shows {number} pictures, which would share one alt text and caption: split it.")
        if not alt:
            problems.append(f"{name} shows a picture without alt text (metadata mystnb.image.alt).")
        if not caption:
            problems.append(f"{name} shows a picture without a caption (metadata mystnb.figure.caption).")
        if alt and alt == caption:
            problems.append(f"{name} shows a picture whose alt text is its caption; a screen reader says it twice.")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            problems += [f"Markdown shows {found} without alt text." for found in undescribed_images(cell.source)]
    for name, cell in code_cells(notebook):
        for output in cell.outputs:
            html = CODE_IN_HTML.sub("", output.get("data", {}).get("text/html", ""))
            problems += [f"{name} shows {found} without alt text." for found in undescribed_images(html)]
    return problems


def undescribed_images(text: str) -> list[str]:
    """Return the images in Markdown or HTML which have no alternative text."""
    found = re.findall(r"!\[\s*\]\([^)]*\)", text)
    found += [tag for tag in re.findall(r"<img\b[^>]*>", text) if not ALT_TEXT.search(tag)]
    for block in re.findall(r"^(`{3,}|:{3,})\{(?:figure|image)\}(.*?)^\1", text, re.MULTILINE | re.DOTALL):
        if not re.search(r"^\s*:?alt:\s*\S", block[1], re.MULTILINE):
            found.append(block[1].strip().splitlines()[0])
    return found


def few_outputs_are_ignored(notebook: NotebookNode) -> list[str]:
    """At most one output in twenty is left uncompared, and each of those says why."""
    cells = code_cells(notebook)
    ignored = [(name, cell) for name, cell in cells if is_ignored(cell)]
    compared = [cell for _, cell in cells if cell.outputs and not is_ignored(cell)]
    problems = [
        f"{name} is not compared and does not say why (metadata nbval_reason, a sentence)."
        for name, cell in ignored
        if not str(cell.metadata.get("nbval_reason", "")).strip()
    ]
    total = len(ignored) + len(compared)
    if len(ignored) > MAX_IGNORED * total:
        problems.append(f"{len(ignored)} of {total} outputs are not compared; at most {MAX_IGNORED:.0%} may be.")
    return problems


def no_output_is_noise(notebook: NotebookNode) -> list[str]:
    """No warning, memory address, folder or time; no error that the cell does not announce."""
    problems = []
    for name, cell in code_cells(notebook):
        announced = RAISES in tags(cell)
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                problems.append(f"{name} writes to stderr: {output.text.strip()[:80]!r}.")
            if output.output_type == "error" and not announced:
                problems.append(f"{name} ends with {output.ename} and has no tag {RAISES!r}.")
            for text in texts(output):
                if TRACEBACK in text and not announced:
                    problems.append(f"{name} prints a traceback and has no tag {RAISES!r}.")
                for what, pattern in NOISE.items():
                    if what == "a time" and is_ignored(cell):
                        continue  # measuring is a reason not to be compared
                    if found := pattern.search(text):
                        problems.append(f"{name} shows {what}: {found.group()!r}.")
    return problems


def cells_in_sight_are_short(notebook: NotebookNode) -> list[str]:
    """What stands unfolded is what the page teaches, and no more of it at a time than a reader takes in."""
    problems = []
    for name, cell in code_cells(notebook):
        lines = [line for line in cell.source.splitlines() if not line.startswith("%%")]  # Jupyter's own line
        if len(lines) > MAX_LINES and not tags(cell) & (FOLDED | HANDED_OUT):
            problems.append(f"{name} has {len(lines)} lines in sight, more than {MAX_LINES}: fold it, or split it.")
    return problems


def few_outputs_are_truth_values(notebook: NotebookNode) -> list[str]:
    """A figure says more than whether it is within a bound; where exact equality is the point, True does."""
    found = [
        name
        for name, cell in code_cells(notebook)
        if any(
            TRUTH_VALUE.search(output.get("text") or output.get("data", {}).get("text/plain", ""))
            for output in cell.outputs
        )
    ]
    if len(found) <= MAX_TRUTH_VALUES:
        return []
    return [f"{len(found)} outputs end in True or False, more than {MAX_TRUTH_VALUES}: {found}. Print the figures."]


def is_as_stored(notebook: NotebookNode) -> list[str]:
    """The notebook is what ``book/store.py`` writes: one kernel and language, nothing of one run only."""
    problems = []
    tidied = store.tidy(notebook)
    if notebook.metadata != tidied.metadata or notebook.nbformat_minor != tidied.nbformat_minor:
        problems.append(f"Its metadata should be {dict(tidied.metadata)}, in format 4.5. Run: python book/store.py")
    for number, (cell, tidied_cell) in enumerate(zip(notebook.cells, tidied.cells, strict=True), start=1):
        if cell != tidied_cell:
            problems.append(f"Cell {number} holds what only lasts as long as a run. Run: python book/store.py")
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) < len(ids):
        problems.append("Two cells have the same id, or one has none. Run: python book/store.py")
    return problems


RULES: list[Rule] = [
    every_cell_was_run_in_order,
    every_picture_is_described,
    few_outputs_are_ignored,
    no_output_is_noise,
    cells_in_sight_are_short,
    few_outputs_are_truth_values,
    is_as_stored,
]
