"""The recap at the end of a chapter: questions that mark themselves, in the page, without a kernel.

The questions of a chapter are in ``quizzes/<name of the notebook>.toml`` beside the notebooks, so that a cell
``figures.quiz("01_tour")`` does not show the answers. The format::

    [[questions]]
    text = "What is the shape of `window_partition(x, 7)`?"
    chapter = 1                     # only where the question is from an earlier chapter
    code = '''x = torch.zeros(1, 14, 14, 96)'''   # if any, shown below the text
    proof = '''assert answer == ...'''            # if any, run by the tests and never shown

    [[questions.choices]]
    text = "`(4, 7, 7, 96)`"
    right = true                    # for one of the choices
    why = "The map is cut into 2 by 2 windows, and each is an entry of the batch."

In ``text`` and ``why``, backticks make code and asterisks *emphasis*; everything else is shown as it is written, with
line breaks as spaces. ``proof`` is Python that runs after ``code``, with ``torch``, ``nn``, ``F`` and ``swinlib`` at
hand; it finds the text of the right choice in ``answer`` and those of the others in ``others``.
"""

import hashlib
import html
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

FOLDER = "quizzes"
QUESTIONS = range(6, 11)
CHOICES = range(2, 6)
FROM_EARLIER = 2  # questions, at least, in every chapter but the first
LETTERS = "ABCDE"

WORDS = {
    "name": "Recap, {number} questions",
    "how": "Choose an answer to read why it is right or wrong; choose again as often as you like. With the keyboard: "
    "Tab goes to a question, the arrow keys to a choice, Enter or the space bar answers.",
    "question": "Question {k} of {number}",
    "chapter": "From chapter {chapter}",
    "answer": "Answer",
    "right": "✓ {letter} is right.",
    "wrong": "✗ {letter} is wrong.",
    "check": "Press Enter to check this answer.",
    "count": "{right} of {number} right",
    "again": "Start again",
}


@dataclass(frozen=True)
class Choice:
    """One answer that is offered, and why it is right or wrong."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with its choices; ``chapter`` is the earlier chapter that it is from, or None for this one."""

    text: str
    choices: tuple[Choice, ...]
    code: str = ""
    chapter: int | None = None
    proof: str = ""

    @property
    def answer(self) -> Choice:
        """The right choice."""
        return next(choice for choice in self.choices if choice.right)


@dataclass(frozen=True)
class Quiz:
    """A recap, shown as the last expression of a cell."""

    name: str
    questions: tuple[Question, ...]

    def html(self) -> str:
        """The recap as one piece of HTML that asks for nothing outside itself.

        It can be read as it is, with the answers folded. The script only takes them from there.
        """
        number = len(self.questions)
        key = f"quiz-{hashlib.sha256(f'{self.name} {self.questions}'.encode()).hexdigest()[:10]}"
        body = "\n".join(_question(question, k, number, key) for k, question in enumerate(self.questions, start=1))
        words = json.dumps({word: WORDS[word] for word in ("check", "count")}, ensure_ascii=False)
        # A form keeps its radio buttons apart from those of another view of the same recap; the method "dialog"
        # sends nothing anywhere.
        return (
            f"<style>\n{_read('quiz.css')}\n</style>\n"
            f'<form class="swin-quiz" data-quiz="{key}" aria-label="{html.escape(_word("name", number=number))}" '
            f'method="dialog" autocomplete="off">\n'
            f'<p class="swin-quiz-how" hidden>{_word("how")}</p>\n'
            f"{body}\n"
            f'<div class="swin-quiz-end" hidden><p class="swin-quiz-count" role="status"></p>'
            f'<button type="reset">{_word("again")}</button></div>\n'
            f"</form>\n"
            f'<script type="module">\n{_read("quiz.js")}\nstartQuiz({json.dumps(key)}, {words});\n</script>'
        )

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return f"<recap of {len(self.questions)} questions: {self.name}>"


def quiz(name: str | Path) -> Quiz:
    """The recap of a chapter.

    Args:
        name: of the chapter's notebook without ``.ipynb``, for ``quizzes/<name>.toml`` in the folder that the notebook
            runs in; or the path of such a file. The file's name starts with the chapter's number.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a recap; the message lists all that is wrong with it.
    """
    path = Path(name) if Path(name).suffix == ".toml" else Path(FOLDER, f"{name}.toml")
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml"))) or "none"
        raise FileNotFoundError(
            f"there is no file {path} in {Path.cwd().name!r}, the folder that this notebook runs in. Run it in the "
            f"folder of the book's notebooks, or give the path of the file. Recaps found there: {there}."
        )
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a TOML file: {error}") from error
    if problems := list(find_problems(data, path.stem)):
        raise ValueError("\n".join([f"{path} is not a recap that readers can use:", *(f"- {p}" for p in problems)]))
    questions = (
        Question(
            text=_line(raw["text"]),
            choices=tuple(
                Choice(_line(choice["text"]), _line(choice["why"]), choice.get("right", False))
                for choice in raw["choices"]
            ),
            code=raw.get("code", "").strip("\n"),
            chapter=raw.get("chapter"),
            proof=raw.get("proof", ""),
        )
        for raw in data["questions"]
    )
    return Quiz(path.stem, tuple(questions))


def find_problems(data: Mapping[str, Any], name: str) -> Iterator[str]:
    """Say what is wrong with the content of a file of questions, one sentence each.

    Args:
        data: what the TOML file says.
        name: of the file without its ending; starts with the chapter's number.
    """
    number = re.match(r"\d+", name)
    if number is None:
        yield f"its name must start with the number of its chapter, as in 07_roll.toml; it is {name!r}."
        return
    yield from _unknown(data, {"questions"}, "the file")
    questions = data.get("questions")
    if not _tables(questions):
        yield "it has no [[questions]]."
        return
    if len(questions) not in QUESTIONS:
        yield f"it has {len(questions)} questions; a recap has {QUESTIONS[0]} to {QUESTIONS[-1]}."
    chapter = int(number.group())
    earlier = sum("chapter" in question for question in questions)
    if chapter > 1 and earlier < FROM_EARLIER:
        yield f"{earlier} of its questions are from earlier chapters (chapter = ...); at least {FROM_EARLIER} must be."
    for k, question in enumerate(questions, start=1):
        for problem in _question_problems(question, chapter):
            yield f"question {k}: {problem}"


def _question_problems(question: Mapping[str, Any], chapter: int) -> Iterator[str]:
    yield from _unknown(question, {"text", "code", "chapter", "choices", "proof"}, "it")
    yield from _text_problems(question.get("text"), "its text")
    for field in ("code", "proof"):
        if not isinstance(question.get(field, ""), str):
            yield f"its {field} must be a string; it is {question[field]!r}."
    source = question.get("chapter", chapter - 1)
    if type(source) is not int or not (1 <= source < chapter or "chapter" not in question):
        yield f"its chapter must be the number of a chapter before {chapter}; it is {source!r}."

    choices = question.get("choices")
    if not _tables(choices) or len(choices) not in CHOICES:
        found = len(choices) if _tables(choices) else 0
        yield f"a question has {CHOICES[0]} to {CHOICES[-1]} choices; this one has {found}."
        return
    for letter, choice in zip(LETTERS, choices, strict=False):
        yield from _unknown(choice, {"text", "why", "right"}, f"choice {letter}")
        yield from _text_problems(choice.get("text"), f"the text of choice {letter}")
        yield from _text_problems(choice.get("why"), f"the why of choice {letter}")
        if not isinstance(choice.get("right", False), bool):
            yield f"right in choice {letter} must be true or false; it is {choice['right']!r}."
    right = [letter for letter, choice in zip(LETTERS, choices, strict=False) if choice.get("right") is True]
    if len(right) != 1:
        yield f"exactly one choice must have right = true; here: {' and '.join(right) or 'none'}."
    texts = [_line(choice["text"]) for choice in choices if isinstance(choice.get("text"), str)]
    for text in sorted({text for text in texts if texts.count(text) > 1}):
        yield f"two of its choices say the same: {text!r}."


def _text_problems(text: Any, what: str) -> Iterator[str]:
    if not isinstance(text, str) or not text.strip():
        yield f"{what} is missing; give a sentence."
    elif text.count("`") % 2:
        yield f"{what} has an odd number of backticks: {_line(text)!r}."


def _unknown(table: Mapping[str, Any], known: set[str], what: str) -> Iterator[str]:
    for key in sorted(table.keys() - known):
        yield f"{what} has an entry {key!r}, which means nothing here; known are {', '.join(sorted(known))}."


def _tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _line(text: str) -> str:
    return " ".join(text.split())


def _word(word: str, **fields: object) -> str:
    return html.escape(WORDS[word].format(**fields), quote=False)


def _markup(text: str) -> str:
    """Escape a text; then backticks become code and asterisks round a word or more become emphasis."""
    parts = html.escape(text, quote=False).split("`")
    parts[0::2] = [re.sub(r"(?<![\w*])\*(?=\S)([^*]+)(?<=\S)\*(?![\w*])", r"<em>\1</em>", part) for part in parts[0::2]]
    parts[1::2] = [f"<code>{part}</code>" for part in parts[1::2]]
    return "".join(parts)


def _question(question: Question, k: int, number: int, key: str) -> str:
    source = ""
    if question.chapter is not None:
        source = f' <span class="swin-quiz-from">{_word("chapter", chapter=question.chapter)}</span>'
    code, described = "", ""
    if question.code:
        described = f' aria-describedby="{key}-{k}"'
        code = f'<pre id="{key}-{k}"><code>{html.escape(question.code, quote=False)}</code></pre>\n'
    lettered = list(zip(LETTERS, question.choices, strict=False))
    choices = "\n".join(
        f'<label><input type="radio" name="question-{k}" value="{letter}">'
        f"<span><b>{letter}</b> {_markup(choice.text)}</span></label>"
        for letter, choice in lettered
    )
    reasons = "\n".join(
        f'<li data-choice="{letter}"{" data-right" if choice.right else ""}>'
        f"<strong>{_word('right' if choice.right else 'wrong', letter=letter)}</strong> {_markup(choice.why)}</li>"
        for letter, choice in sorted(lettered, key=lambda pair: not pair[1].right)  # the right one first
    )
    return (
        f"<fieldset{described}>\n"
        f'<legend><span class="swin-quiz-number">{_word("question", k=k, number=number)}{source}</span> '
        f"{_markup(question.text)}</legend>\n"
        f"{code}{choices}\n"
        f'<p class="swin-quiz-verdict" role="status" aria-live="polite"></p>\n'
        f"<details><summary>{_word('answer')}</summary><ul>\n{reasons}\n</ul></details>\n"
        f"</fieldset>"
    )


def _read(file: str) -> str:
    return resources.files(__package__).joinpath(file).read_text(encoding="utf-8").strip()
