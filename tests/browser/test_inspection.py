"""The inspection reports each thing that it is there to report."""

import base64

import pytest
from inspection import PHONE, accessibility_problems, inspect

PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
WIDE = (  # 100 by 10
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='100' height='10'%3E%3C/svg%3E"
)
FIGURE = '<figure class="swin-figure" data-figure="a">{}</figure>'
PAGE = '<!doctype html><html lang="en"><title>Page</title><body><main><h1>Page</h1>%s</main></body></html>'

BROKEN = {
    "an external image": ('<img alt="A" src="https://example.org/a.png">', "outside: https://example.org/a.png"),
    "an external script": ('<script src="https://example.org/a.js"></script>', "outside: https://example.org/a.js"),
    "an external fetch": ("<script>fetch('https://example.org/a').catch(() => 0)</script>", "outside: https://exa"),
    "an external socket": ("<script>new WebSocket('wss://example.org/a')</script>", "outside: wss://example.org/a"),
    "a style from outside": ('<link rel="stylesheet" href="https://example.org/a.css">', "outside: https://exa"),
    "a missing file": ('<img alt="A" src="missing.png">', "missing.png"),
    "an error in the console": ("<script>console.error('broken')</script>", "Console error: broken"),
    "a warning in the console": ("<script>console.warn('old')</script>", "Console warning: old"),
    "an uncaught error": ("<script>throw new Error('thrown')</script>", "Uncaught error: thrown"),
    "a syntax error": ("<script>const a = 1; const a = 2;</script>", "Uncaught error"),
    "a picture without alt text": (f'<img src="{PIXEL}">', "without alternative text"),
    "a picture with an empty alt text": (f'<img alt=" " src="{PIXEL}">', "without alternative text"),
    "a picture whose alt text is its file": ('<img alt="a.png" src="a.png">', "without alternative text"),
    "a picture that is none": ('<img alt="A" src="page.html">', "does not show"),
    "mathematics left as TeX": ('<span class="math">\\(x\\)</span>', "not typeset: \\(x\\)"),
    "mathematics with an error": (
        '<span class="math"><math><merror><mtext>?</mtext></merror></math></span>',
        "not typeset: ?",
    ),
    "mathematics that is not shown": (
        '<span class="math"><math style="display: none"><mi>x</mi></math></span>',
        "not typeset: x",
    ),
    "mathematics at the edge": (
        '<div class="math" style="display: flex; flex-direction: row-reverse"><math><mi>x</mi></math></div>',
        "at the edge: x",
    ),
    "a picture that is squeezed": (
        f'<img alt="A" src="{WIDE}" width="900" height="90" style="max-width: 100%">',
        "squeezed on a phone",
    ),
    "a figure without controls": (FIGURE.format("<noscript>No.</noscript>"), "without controls: a"),
    "a word that is too wide": (f"<p>{'wide' * 40}</p>", "phone, because of: a word"),
    "a page that is too wide": (
        '<table style="width: 500px"><tr><td>wide</td></tr></table>',
        "phone, because of: table",
    ),
}
GOOD = (
    '<p>Text, <span class="math"><math><mi>x</mi></math></span>.</p>'
    f'<img alt="A grey dot" src="{PIXEL}"><img alt="A square" src="a.png">' + FIGURE.format("<button>Next</button>")
)


@pytest.fixture
def problems_of(tmp_path, serve, context, request):
    """A function that opens a page with this body and returns its problems."""

    def problems(body, **options):
        (tmp_path / "page.html").write_text(PAGE % body)
        (tmp_path / "a.png").write_bytes(base64.b64decode(PIXEL.partition(",")[2]))
        start = serve(tmp_path) if request.param == "http" else f"{tmp_path.as_uri()}/"
        return inspect(context, f"{start}page.html", start, **options)

    return problems


both = pytest.mark.parametrize("problems_of", [pytest.param("http", marks=pytest.mark.slow), "file"], indirect=True)


@both
@pytest.mark.parametrize(("body", "expected"), BROKEN.values(), ids=BROKEN)
def test_reports(problems_of, body, expected):
    assert any(expected in problem for problem in problems_of(body))


@both
def test_accepts_a_good_page(problems_of):
    assert problems_of(GOOD) == []


DARK = "<script>document.documentElement.dataset.theme = 'dark'</script>"


@pytest.mark.parametrize("problems_of", ["file"], indirect=True)
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (DARK, None),
        (f"{DARK}<button></button>", "Not accessible: button-name"),
        (f"{DARK}<details><summary>More</summary><button></button></details>", "Not accessible: button-name"),
        ("", "Shown in None colours, not in dark ones"),
    ],
    ids=["nothing", "a button without a name", "one that is folded", "other colours"],
)
def test_reports_how_a_page_looks(problems_of, body, expected):
    problems = problems_of(body, theme="dark", size=PHONE)
    assert any(expected in problem for problem in problems) if expected else problems == []


def test_accessibility_is_checked(context):
    page = context.new_page()
    page.set_content(PAGE % '<button></button><p style="color: #999; background: #fff">pale</p>')
    found = " ".join(accessibility_problems(page))
    assert "button-name" in found
    assert "color-contrast" in found


CODE = """<pre style="background: #fff"><span style="color: #000">one</span> <span style="color: #000">two</span>
<span style="color: #000; background: {background}">three</span> <span style="color: {colour}">four</span>
<span style="color: {colour}">five</span></pre>"""


@pytest.mark.parametrize(
    ("colour", "background", "pale"),
    [("#00c", "#fff", 0), ("#ccc", "#fff", 1), ("#00c", "#222", 1)],
    ids=["all are clear", "a pale colour", "on a dark background"],
)
def test_each_kind_of_code_is_looked_at_once(context, colour, background, pale):
    page = context.new_page()
    page.set_content(PAGE % CODE.format(colour=colour, background=background))
    found = accessibility_problems(page)
    assert len(found) == pale
    assert all("color-contrast" in problem for problem in found)
    assert page.locator("pre span").count() == 2 + (background != "#fff")
    assert page.locator("pre").inner_text().split() == ["one", "two", "three", "four", "five"]


TEXT = (
    '<p style="background: #fff">Said.</p><ul style="background: #fff"><li>One</li><li style="{style}">{text}</li></ul>'
)


@pytest.mark.parametrize(
    ("style", "text", "pale"),
    [
        ("", "Two", 0),
        ("color: #bbb", "Two", 1),
        ("opacity: 0.3", "Two", 1),
        ("opacity: 0.3", "<b>Two</b>", 1),
        ("background: #222", "Two", 1),
        ("color: #767676", 'Two <b>and</b> <i>so</i> <i style="background: #eee">on</i>', 1),
    ],
    ids=["all are clear", "a pale colour", "pale as a whole", "pale within", "a dark ground", "a ground within"],
)
def test_each_kind_of_text_is_looked_at(context, style, text, pale):
    page = context.new_page()
    page.set_content(PAGE % TEXT.format(style=style, text=text))
    found = accessibility_problems(page)
    assert len(found) == pale
    assert all("color-contrast" in problem for problem in found)
