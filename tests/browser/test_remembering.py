"""What a browser keeps for its reader, and no one else: where they were, and which questions come back, and when."""

import json
import random
import re
from datetime import UTC, datetime, timedelta

import fsrs
import pytest
from inspection import DESKTOP, PHONE, accessibility_problems
from returning_questions import script

from swinlib.figures.quiz import WORDS

CHAPTER = "book/07_roll_and_shifted_windows.html"
LATER = "book/08_images_to_tensors.html"
STORE = "swin-questions"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def start(book_html):
    """The address of the book as a folder of files."""
    return f"{book_html.as_uri()}/"


# The schedule


def answers(seed):
    """Draw what a reader answers, and when: within minutes, within days, or after months."""
    draw = random.Random(seed)
    time, drawn = NOW, []
    for _ in range(12):
        drawn.append((draw.random() < 0.7, time))
        time += timedelta(seconds=int(10 ** draw.uniform(1, 7)))
    return [(False, NOW), *drawn[1:]]  # a question comes back because it was wrong


def reference(drawn):
    """What py-fsrs keeps after each answer."""
    scheduler, card, kept = fsrs.Scheduler(enable_fuzzing=False), fsrs.Card(due=NOW), []
    for right, time in drawn:
        card, _ = scheduler.review_card(card, fsrs.Rating.Good if right else fsrs.Rating.Again, time)
        kept.append(
            {
                "state": int(card.state),
                "step": card.step,
                "stability": card.stability,
                "difficulty": card.difficulty,
                "last": round(1000 * time.timestamp()),
                "due": round(1000 * card.due.timestamp()),
            }
        )
    return kept


def close(card):
    """What a browser may keep for a card: powers differ in the last digits, times and steps do not."""
    return {name: pytest.approx(value, rel=1e-9) if isinstance(value, float) else value for name, value in card.items()}


def test_the_schedule_is_that_of_fsrs(browser):
    page = browser.new_page()
    page.evaluate(script().replace("function schedule(", "globalThis.schedule = schedule;\nfunction schedule(", 1))
    states = set()
    for seed in range(200):
        drawn = answers(seed)
        kept = page.evaluate(
            "drawn => { let card; return drawn.map(([right, time]) => card = schedule(card, right, time)); }",
            [[right, time.timestamp() * 1000] for right, time in drawn],
        )
        expected = reference(drawn)
        assert kept == [close(card) for card in expected], f"answers {seed}"
        states |= {(card["state"], card["step"]) for card in kept}
    assert states == {(1, 0), (1, 1), (2, None), (3, 0)}
    page.close()


# Questions that come back


def clock(context, time):
    """Let the pages of a context believe that it is a certain time."""
    context.clock.set_fixed_time(time)


def visit(context, start, address, size=DESKTOP):
    """Open a page at its recap, with what comes back there."""
    page = context.new_page()
    page.set_viewport_size(size)
    page.errors, page.asked = [], []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url.removeprefix(start)))
    page.goto(start + address)
    page.locator("#recap").scroll_into_view_if_needed()
    page.locator(".returning-questions[data-begun]").wait_for(state="attached")
    return page


def answer(question, right):
    """Choose the right answer of a question, or a wrong one."""
    letter = question.locator(f"li[data-choice]{'[data-right]' if right else ':not([data-right])'}").first
    question.locator(f"input[value={letter.get_attribute('data-choice')}]").check()


def cards(page):
    return json.loads(page.evaluate(f"localStorage.getItem('{STORE}')") or "{}")


def test_a_question_that_was_wrong_comes_back_later(start, browser):
    context = browser.new_context()
    clock(context, NOW)
    page = visit(context, start, CHAPTER)
    quiz = page.locator("form.swin-quiz")
    answer(quiz.locator("fieldset").nth(0), right=True)  # never wrong: it does not come back
    for right in (False, True):  # the second answer comes after the explanation, and does not count
        answer(quiz.locator("fieldset").nth(1), right=right)
    (name,) = cards(page)
    assert name == quiz.locator("fieldset").nth(1).get_attribute("data-question")
    text = quiz.locator("legend").nth(1).inner_text().partition("\n")[2]
    assert cards(page)[name] == close(reference([(False, NOW)])[0])
    page.close()

    # Not yet, and not on the chapter's own page.
    for address, minutes in ((LATER, 0.5), (CHAPTER, 2)):
        clock(context, NOW + timedelta(minutes=minutes))
        page = visit(context, start, address)
        assert page.locator(".returning-questions > *").count() == 0
        assert not [asked for asked in page.asked if re.search(r"questions/\d", asked)]
        page.close()

    time = NOW + timedelta(minutes=2)
    page = visit(context, start, LATER)
    form = page.get_by_role("form", name="Once more")
    assert form.locator("legend").inner_text() == f"From chapter 7. Roll and shifted windows\n{text}"
    link = form.get_by_role("link", name="7. Roll and shifted windows")
    assert link.get_attribute("href") == "07_roll_and_shifted_windows.html#recap"
    assert page.locator(".returning-questions details:visible").count() == 0
    answer(form.locator("fieldset"), right=True)
    assert form.get_by_role("status").first.inner_text().startswith("✓")
    assert form.locator(".swin-quiz-count").inner_text() == "1 of 1 right"
    expected = reference([(False, NOW), (True, time)])[-1]
    assert cards(page)[name] == close(expected)
    answer(form.locator("fieldset"), right=False)  # somebody reads why the others are wrong
    assert cards(page)[name] == close(expected)
    assert not page.errors
    page.close()

    # Known once more, it waits for days, and then for longer.
    drawn = [(False, NOW), (True, time)]
    for _ in range(3):
        due = datetime.fromtimestamp(reference(drawn)[-1]["due"] / 1000, UTC)
        drawn.append((True, due))
        clock(context, due)
        page = visit(context, start, LATER)
        answer(page.get_by_role("form", name="Once more").locator("fieldset"), right=True)
        assert cards(page)[name] == close(reference(drawn)[-1])
        page.close()
    assert cards_due(reference(drawn)) > 5
    context.close()


def cards_due(kept):
    """How many days it is until a question comes back."""
    return (kept[-1]["due"] - kept[-1]["last"]) / 86_400_000


@pytest.mark.parametrize(("mode", "size"), [("light", DESKTOP), ("dark", PHONE)])
def test_what_comes_back_is_for_everybody(start, browser, mode, size):
    """Of five that are due, the three that are longest due; by keys alone; axe finds nothing."""
    context = browser.new_context(color_scheme=mode)
    clock(context, NOW)
    page = visit(context, start, CHAPTER)
    for question in page.locator("form.swin-quiz fieldset").all()[:5]:
        answer(question, right=False)
    page.evaluate(
        f"""() => {{
            const cards = JSON.parse(localStorage.getItem("{STORE}")), names = Object.keys(cards);
            names.forEach((name, k) => {{ cards[name].due -= k; }});
            cards["07-00000000"] = {{ ...cards[names[0]], due: 0 }};  // of an earlier edition
            cards["99-00000000"] = {{ ...cards[names[0]], due: 0 }};
            localStorage.setItem("{STORE}", JSON.stringify(cards));
        }}"""
    )
    names = list(cards(page))[:5]
    page.close()
    clock(context, NOW + timedelta(minutes=2))
    page = visit(context, start, LATER, size)
    form = page.get_by_role("form", name="Once more")
    asked = form.locator("fieldset").evaluate_all("all => all.map(each => each.dataset.question)")
    assert asked == names[:1:-1]
    assert len(set(form.locator("input").evaluate_all("all => all.map(each => each.name)"))) == 3
    form.locator("input").first.focus()
    page.keyboard.press("ArrowDown")
    assert form.get_by_role("status").first.inner_text() == WORDS["check"]
    page.keyboard.press("Enter")
    assert re.match("[✓✗] B", form.get_by_role("status").first.inner_text())
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert not accessibility_problems(page)
    page.emulate_media(media="print")
    assert not form.is_visible()
    context.close()


# Where a reader was

SHIFT = """
    () => new Promise(done => {
        const sum = list => list.getEntries().reduce((all, { value }) => all + value, 0);
        new PerformanceObserver(list => done(sum(list))).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(0), 500);
    })
"""


def test_the_start_page_offers_to_go_on_and_erases_all(start, browser):
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    place = page.locator(".where-you-were")
    page.goto(f"{start}book/index.html")
    assert not place.is_visible()
    page.goto(start + CHAPTER)
    page.goto(f"{start}book/glossary.html")  # somebody looks a word up, and goes on afterwards
    page.goto(f"{start}book/index.html")
    assert place.inner_text() == "You were at 7. Roll and shifted windows."
    page.goto(start + CHAPTER)
    page.locator("#four-labels-suffice").evaluate("part => scrollTo(0, part.offsetTop)")
    page.locator("#four-labels-suffice h3").evaluate("heading => heading.scrollIntoView()")
    page.goto(f"{start}book/index.html")
    assert place.inner_text() == "You were at 7. Roll and shifted windows, “Four labels suffice”."
    assert page.evaluate(SHIFT) < 0.001
    assert not accessibility_problems(page)
    place.get_by_role("link").press("Enter")
    page.wait_for_url(start + CHAPTER + "#four-labels-suffice")
    page.goto(f"{start}book/index.html")
    page.evaluate(f"localStorage.setItem('{STORE}', '{{}}'); localStorage.setItem('other', 'stays')")
    page.locator(".answers-done").scroll_into_view_if_needed()
    page.on("dialog", lambda dialog: dialog.accept())
    erase = page.get_by_role("button", name="Erase what this browser keeps")
    erase.click()
    assert not erase.is_visible()
    assert not place.is_visible()
    assert [name for name in page.evaluate("Object.keys(localStorage)") if name.startswith("swin-")] == []
    assert page.evaluate("localStorage.getItem('other')") == "stays"
    assert all(url.startswith(("file:", "data:")) for url in asked)
    # What is kept may be anything.
    for kept in ("1", "{", '{"page": "https://example.org/"}', '{"page": "javascript:alert(1)"}'):
        page.evaluate("kept => localStorage.setItem('swin-place', kept)", kept)
        page.reload()
        assert not place.is_visible()
    context.close()


FORBIDDEN = """
    const get = () => { throw new DOMException("no", "SecurityError"); };
    Object.defineProperty(globalThis, "localStorage", { get, configurable: true });
"""


def test_a_browser_that_keeps_nothing_is_no_error(start, browser):
    context = browser.new_context()
    context.add_init_script(FORBIDDEN)
    page = visit(context, start, CHAPTER)
    answer(page.locator("form.swin-quiz fieldset").first, right=False)
    assert page.locator("form.swin-quiz [role=status]").first.inner_text().startswith("✗")
    page.goto(f"{start}book/index.html")
    page.locator(".answers-done").scroll_into_view_if_needed()
    page.locator(".answers-done [role=status]").wait_for()
    assert not page.locator(".where-you-were").is_visible()
    assert not page.errors
    context.close()


def test_without_scripts_nothing_changes(start, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{start}book/index.html")
    assert not page.locator(".where-you-were").is_visible()
    page.goto(start + LATER)
    assert page.locator(".returning-questions").bounding_box()["height"] == 0
    context.close()
