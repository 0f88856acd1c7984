"""The recaps: their rules, their facts, their markup, and a reader who answers them."""

import copy
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

import swinlib
from swinlib.figures.quiz import Choice, Question, Quiz, find_problems, quiz

BOOK = Path(__file__).resolve().parents[2] / "book"
RECAPS = sorted((BOOK / "quizzes").glob("*.toml"))
QUESTIONS = [
    # one that starts processes takes as long as a hundred others
    pytest.param(question, id=f"{file.stem}-{k}", marks=[pytest.mark.slow] if "subprocess" in question.proof else [])
    for file in RECAPS
    for k, question in enumerate(quiz(file).questions, start=1)
]


def recap_data(**changes):
    """What a file of six questions says that breaks no rule for chapter 7."""
    questions = [
        {
            "text": f"Is {k} a number?",
            "choices": [
                {"text": "yes", "why": "It counts.", "right": True},
                {"text": "no", "why": "Count again."},
            ],
        }
        for k in range(6)
    ]
    questions[1]["chapter"], questions[4]["chapter"] = 1, 2
    return {"questions": questions} | changes


def problems_of(data, name="07_roll"):
    return list(find_problems(data, name))


# The book's own recaps


@pytest.mark.one_in(4)
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_right_choice_is_right(question):
    """Each question proves its answer by running code; an answer that nobody proved is not in the book."""
    assert "assert" in question.proof
    names = {
        "torch": torch,
        "nn": torch.nn,
        "F": torch.nn.functional,
        "swinlib": swinlib,
        "answer": question.answer.text,
        "others": [choice.text for choice in question.choices if not choice.right],
    }
    exec(question.code, names)
    exec(question.proof, names)


def test_every_chapter_with_a_recap_has_its_questions():
    """A notebook that asks for a recap finds it, and no file of questions is left without its chapter."""
    asked = {
        name for path in BOOK.glob("*.ipynb") for name in re.findall(r'quiz\(\\"(\w+)\\"\)', path.read_text("utf-8"))
    }
    there = {file.stem for file in RECAPS}
    assert asked <= there
    assert there <= {path.stem for path in BOOK.glob("*.ipynb")}


@pytest.mark.parametrize("file", RECAPS, ids=lambda file: file.stem)
def test_neither_place_nor_length_gives_the_answer_away(file):
    questions = quiz(file).questions
    places = Counter([choice.right for choice in question.choices].index(True) for question in questions)
    assert max(places.values()) <= len(questions) / 2, f"right choices by place, from 0: {dict(places)}"
    longest = [max(question.choices, key=lambda choice: len(choice.text)).right for question in questions]
    assert sum(longest) <= len(questions) / 2, f"the right choice is the longest: {longest}"


# Finding and checking the file


def test_a_recap_is_found_from_the_folder_of_the_notebooks(monkeypatch):
    monkeypatch.chdir(BOOK)
    assert quiz("01_tour") == quiz(BOOK / "quizzes" / "01_tour.toml")
    assert repr(quiz("01_tour")) == "<recap of 9 questions: 01_tour>"


def test_a_missing_recap_is_reported_with_those_that_are_there(monkeypatch, tmp_path):
    monkeypatch.chdir(BOOK)
    with pytest.raises(FileNotFoundError, match=r"01_tuor\.toml.*Recaps found there: 01_tour, .*07_roll"):
        quiz("01_tuor")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"folder of the book's notebooks.*found there: none"):
        quiz("01_tour")


def test_a_file_that_is_no_recap_is_reported_by_name(tmp_path):
    file = tmp_path / "07_x.toml"
    file.write_text("[[questions]\n")
    with pytest.raises(ValueError, match=r"07_x\.toml is not a TOML file: .*line 1"):
        quiz(file)
    file.write_text('[[questions]]\ntext = "?"\n')
    with pytest.raises(ValueError, match=r"(?s)07_x\.toml is not a recap.*- question 1: a question has 2 to 5 choices"):
        quiz(file)


def test_a_good_recap_has_no_problems():
    assert problems_of(recap_data()) == []


BREAKAGES = {
    "too few questions": (lambda q: q.pop(), "it has 5 questions; a recap has 6 to 10."),
    "too many questions": (lambda q: q.extend(q[:1] * 5), "it has 11 questions; a recap has 6 to 10."),
    "too few from earlier chapters": (
        lambda q: q[4].pop("chapter"),
        "1 of its questions are from earlier chapters (chapter = ...); at least 2 must be.",
    ),
    "a later chapter": (
        lambda q: q[1].update(chapter=7),
        "question 2: its chapter must be the number of a chapter before 7; it is 7.",
    ),
    "a chapter that is not a number": (
        lambda q: q[1].update(chapter="one"),
        "question 2: its chapter must be the number of a chapter before 7; it is 'one'.",
    ),
    "no text": (lambda q: q[2].pop("text"), "question 3: its text is missing; give a sentence."),
    "an empty text": (lambda q: q[2].update(text=" "), "question 3: its text is missing; give a sentence."),
    "an open backtick": (
        lambda q: q[2].update(text="Is `x a number?"),
        "question 3: its text has an odd number of backticks: 'Is `x a number?'.",
    ),
    "code that is not text": (lambda q: q[2].update(code=1), "question 3: its code must be a string; it is 1."),
    "one choice": (lambda q: q[3]["choices"].pop(), "question 4: a question has 2 to 5 choices; this one has 1."),
    "six choices": (
        lambda q: q[3]["choices"].extend({"text": f"{k}", "why": "So."} for k in range(4)),
        "question 4: a question has 2 to 5 choices; this one has 6.",
    ),
    "nothing right": (
        lambda q: q[3]["choices"][0].update(right=False),
        "question 4: exactly one choice must have right = true; here: none.",
    ),
    "two right": (
        lambda q: q[3]["choices"][1].update(right=True),
        "question 4: exactly one choice must have right = true; here: A and B.",
    ),
    "right in words": (
        lambda q: q[3]["choices"][1].update(right="yes"),
        "question 4: right in choice B must be true or false; it is 'yes'.",
    ),
    "a choice without text": (
        lambda q: q[5]["choices"][1].pop("text"),
        "question 6: the text of choice B is missing; give a sentence.",
    ),
    "a right choice without why": (
        lambda q: q[5]["choices"][0].pop("why"),
        "question 6: the why of choice A is missing; give a sentence.",
    ),
    "a wrong choice without why": (
        lambda q: q[5]["choices"][1].update(why=""),
        "question 6: the why of choice B is missing; give a sentence.",
    ),
    "the same choice twice": (
        lambda q: q[5]["choices"][1].update(text="yes"),
        "question 6: two of its choices say the same: 'yes'.",
    ),
    "a word that is misspelt": (
        lambda q: q[5].update(chaptre=1),
        "question 6: it has an entry 'chaptre', which means nothing here; "
        "known are chapter, choices, code, proof, text.",
    ),
    "a word of a choice that is misspelt": (
        lambda q: q[5]["choices"][1].update(because="So."),
        "question 6: choice B has an entry 'because', which means nothing here; known are right, text, why.",
    ),
}


@pytest.mark.parametrize(("break_it", "problem"), BREAKAGES.values(), ids=BREAKAGES.keys())
def test_each_broken_rule_is_reported(break_it, problem):
    data = copy.deepcopy(recap_data())
    break_it(data["questions"])
    assert problems_of(data) == [problem]


def test_broken_rules_of_the_whole_file_are_reported():
    assert problems_of({}) == ["it has no [[questions]]."]
    assert problems_of({"questions": "six"}) == ["it has no [[questions]]."]
    assert "its name must start with the number" in problems_of(recap_data(), "roll")[0]
    assert problems_of(recap_data(title="Recap")) == [
        "the file has an entry 'title', which means nothing here; known are questions."
    ]


def test_the_first_chapter_needs_no_earlier_one():
    data = recap_data()
    for question in data["questions"]:
        question.pop("chapter", None)
    assert problems_of(data, "01_tour") == []
    assert len(problems_of(data, "02_resampling")) == 1


# Markup


def small_quiz(text="Which?", code="", why="Because."):
    choices = (Choice("this", why, right=True), Choice("`that`", "No."))
    return Quiz("07_x", (Question(text, choices, code=code, chapter=1),))


def test_text_is_escaped_and_only_backticks_and_asterisks_are_markup():
    page = small_quiz(
        text="`a < b` & <script>alert(1)</script> *now*, not 2*3*4 or `*x*`", why='<img src=x onerror="alert(1)">'
    ).html()
    assert "<code>a &lt; b</code> &amp; &lt;script&gt;alert(1)&lt;/script&gt; <em>now</em>, not 2*3*4 or" in page
    assert "<code>*x*</code>" in page
    assert "<img" not in page
    assert page.count("<script") == 1


def test_code_is_shown_as_it_is_written():
    page = small_quiz(code="x[i] < y  # `no` *markup*\n    </pre>").html()
    assert "<code>x[i] &lt; y  # `no` *markup*\n    &lt;/pre&gt;</code></pre>" in page


@pytest.mark.slow
def test_html_is_the_same_in_every_process(monkeypatch):
    monkeypatch.chdir(BOOK)
    command = "from swinlib.figures.quiz import quiz; import sys; sys.stdout.write(quiz('01_tour').html())"
    outputs = {
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", command],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(BOOK.parent)},
            capture_output=True,
            check=True,
            text=True,
            encoding="utf-8",
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {quiz("01_tour").html()}


def test_the_page_asks_for_nothing_outside_itself():
    for file in RECAPS:
        assert not re.search(r"https?:|src=|@import|url\(", quiz(file).html())


def test_proofs_are_not_shown():
    page = quiz(BOOK / "quizzes" / "01_tour.toml").html()
    assert "assert" not in page


# In a browser


@pytest.fixture
def open_recap(browser, tmp_path):
    """``open_recap(copies=1, **context options)`` opens the recap of chapter 7; the console stays silent."""
    noise, contexts = [], []

    def open_page(copies=1, **options):
        recap = quiz(BOOK / "quizzes" / "07_roll_and_shifted_windows.toml").html()
        file = tmp_path / "page.html"
        file.write_text(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Recap</title><main>{recap * copies}</main>',
            encoding="utf-8",
        )
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("request", lambda request: request.url == file.as_uri() or noise.append(request.url))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert noise == []


def letter_of(right, question):
    """The letter of a choice that is right, or of the first that is wrong."""
    return "ABCDE"[[choice.right for choice in question.choices].index(right)]


@pytest.fixture
def recap():
    return quiz(BOOK / "quizzes" / "07_roll_and_shifted_windows.toml")


def plain(text):
    return text.replace("`", "").replace("*", "")


def test_a_wrong_answer_is_explained_and_a_right_one_counted(open_recap, recap):
    page = open_recap()
    question, asked = page.locator("fieldset").first, recap.questions[0]
    verdict, count = question.locator("[aria-live]"), page.locator(".swin-quiz-count")
    assert count.inner_text() == "0 of 8 right"
    assert verdict.inner_text() == ""

    for choice, letter in 2 * list(zip(asked.choices, "ABCDE", strict=False)):
        question.locator("label").filter(has_text=plain(choice.text)).click()
        sign = f"✓ {letter} is right." if choice.right else f"✗ {letter} is wrong."
        assert verdict.inner_text() == f"{sign} {plain(choice.why)}"
        assert count.inner_text() == f"{int(choice.right)} of 8 right"


def test_every_question_can_be_answered_and_all_be_cleared(open_recap, recap):
    page = open_recap()
    count = page.locator(".swin-quiz-count")
    for k, asked in enumerate(recap.questions):
        page.locator("fieldset").nth(k).locator(f"[value={letter_of(True, asked)}]").check()
        assert count.inner_text() == f"{k + 1} of 8 right"
    page.get_by_role("button", name="Start again").click()
    assert count.inner_text() == "0 of 8 right"
    assert page.locator("input:checked").count() == 0
    assert "".join(page.locator("[aria-live]").all_inner_texts()) == ""


def test_the_keyboard_is_enough(open_recap, recap):
    page = open_recap()
    first, second = page.locator("fieldset").nth(0), page.locator("fieldset").nth(1)
    verdict, count = first.locator("[aria-live]"), page.locator(".swin-quiz-count")
    wrong, right = letter_of(False, recap.questions[0]), letter_of(True, recap.questions[0])
    assert (wrong, right) == ("A", "B")

    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert verdict.inner_text().startswith("✗ A is wrong.")
    page.keyboard.press("ArrowDown")  # on the way to a choice nothing is answered
    assert verdict.inner_text() == "Press Enter to check this answer."
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert count.inner_text() == "0 of 8 right"
    page.keyboard.press("Enter")
    assert verdict.inner_text().startswith("✓ B is right.")
    assert count.inner_text() == "1 of 8 right"

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert second.locator("[aria-live]").inner_text().startswith("✗ A is wrong.")
    page.keyboard.press("ArrowDown")  # leaves the answer that was marked
    assert second.get_attribute("data-verdict") is None
    for _ in recap.questions[1:]:
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Start again"
    page.keyboard.press("Space")
    assert count.inner_text() == "0 of 8 right"


def test_two_copies_on_one_page_do_not_disturb_each_other(open_recap, recap):
    page = open_recap(copies=2)
    right = f"fieldset:first-of-type [value={letter_of(True, recap.questions[0])}]"
    for form in (0, 1):
        page.locator("form").nth(form).locator(right).check()
    assert page.locator(".swin-quiz-count").all_inner_texts() == ["1 of 8 right"] * 2
    assert page.locator("input:checked").count() == 2


def test_without_javascript_each_question_is_read_and_its_answer_unfolded(open_recap, recap):
    page = open_recap(java_script_enabled=False)
    for k, asked in enumerate(recap.questions):
        question = page.locator("fieldset").nth(k)
        assert plain(asked.text) in question.locator("legend").inner_text()
        reasons = question.locator("details li")
        assert not reasons.first.is_visible()
        question.locator("summary").click()
        assert reasons.first.is_visible()
        assert reasons.first.inner_text().endswith(plain(asked.answer.why))
        assert sorted(reasons.all_inner_texts()) == sorted(
            f"{'✓' if choice.right else '✗'} {letter} is {'right' if choice.right else 'wrong'}. {plain(choice.why)}"
            for letter, choice in zip("ABCDE", asked.choices, strict=False)
        )
    assert not page.locator(".swin-quiz-how").is_visible()
    assert not page.locator(".swin-quiz-end").is_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_print_shows_the_answers(open_recap, javascript):
    page = open_recap(java_script_enabled=javascript)
    page.emulate_media(media="print")
    assert all(reason.bounding_box()["height"] > 10 for reason in page.locator("details li").all())
    assert not page.locator(".swin-quiz-how").is_visible()
    assert not page.locator(".swin-quiz-end").is_visible()


def test_keys_stay_in_the_recap(open_recap):
    """JupyterLab listens to the whole page: an arrow key would go to another cell, and two d would delete this one."""
    page = open_recap()
    page.evaluate("() => { window.heard = []; addEventListener('keydown', event => heard.push(event.key)); }")
    page.locator("input").first.focus()
    for key in ("Space", "ArrowDown", "Enter", "d", "Control+d", "Tab"):
        page.keyboard.press(key)
    assert page.evaluate("heard") == ["Control", "d", "Tab"]


def test_questions_from_earlier_chapters_say_so(open_recap, recap):
    labels = open_recap().locator("legend").all_inner_texts()
    assert [k for k, label in enumerate(labels) if "From chapter 1" in label] == [
        k for k, asked in enumerate(recap.questions) if asked.chapter == 1
    ]


def test_the_page_fits_a_phone_and_has_no_barriers(open_recap, recap):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = open_recap(viewport={"width": 390, "height": 844}, bypass_csp=True)
    for k in range(len(recap.questions)):
        page.locator("fieldset").nth(k).locator("input").first.check()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    findings = axe.Axe().run(page).response["violations"]
    assert [finding["id"] for finding in findings if finding["id"] not in {"page-has-heading-one", "region"}] == []
