"""Interactive figures without a browser: their data, their HTML, what a notebook gets of them."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import IPython
import pytest

from swinlib import figures
from swinlib.figures.interactive import WIDGET_VIEW, Control, Interactive, _pack
from swinlib.figures.reach import reach_data
from swinlib.figures.rolling import roll_data

ONE_CONTROL = (Control("n", "N", (1, 2)),)


def make(compute=lambda n: {"n": n}, controls=ONE_CONTROL, **options):
    picture = figures.canvas()[0]
    options = {"caption": "A figure.", "words": {}, "picture": lambda **_: picture, "alt": "Nothing.", **options}
    return Interactive("reach", compute, controls, **options)


def _unpack(packed):
    def unpack(value):
        if isinstance(value, str) and value.startswith("@"):
            return unpack(packed["pool"][int(value[1:])])
        if isinstance(value, list):
            return [unpack(each) for each in value]
        return {key: unpack(each) for key, each in value.items()} if isinstance(value, dict) else value

    return unpack(packed["table"])


class Page(HTMLParser):
    """The elements of a page, and what its scripts hold."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.script, self._inside = [], "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag == "script"

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        self.script += data * self._inside

    def data(self):
        return json.loads(re.search(r"^startInPage\(\"[^\"]+\", (.*)\);$", self.script, re.M)[1].replace("<\\/", "</"))


FIGURES = {"reach": figures.attention_reach, "roll": figures.roll_figure}


def test_the_table_holds_an_answer_to_every_combination_in_the_order_of_the_controls():
    figure = make(lambda a, b: {"sum": a + b}, [Control("a", "A", (1, 2)), Control("b", "B", (10, 20, 30))])
    assert [answer["sum"] for answer in figure.table] == [11, 21, 31, 12, 22, 32]


def test_controls_of_the_view_never_reach_compute():
    figure = make(controls=[Control("n", "N", (1, 2)), Control("mask", "Mask", (False, True), view=True)])
    assert figure.table == [{"n": 1}, {"n": 2}]


def test_an_impossible_combination_answers_with_the_librarys_own_message():
    figure = figures.attention_reach(sizes=(8,), windows=(4, 2), shifts=(2, 3))
    with pytest.raises(ValueError, match="does not fit") as error:
        reach_data(8, 2, 3)
    assert figure.table[3] == {"error": str(error.value)}
    assert "error" not in figure.table[0]


def test_a_mistake_in_compute_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        make(lambda n: {"n": 1 / (n - n)}).html()


def test_packing_writes_every_list_once():
    table = [{"rows": [[0, 1], [0, 1]], "name": "a"}, {"rows": [[0, 1], [0, 1]], "name": "b"}, {"error": "no"}]
    packed = _pack(table)
    assert packed["pool"] == [[0, 1], ["@0", "@0"]]
    assert _unpack(packed) == table
    with pytest.raises(ValueError, match="must not start with '@'; got '@7'"):
        _pack([{"name": "@7"}])


@pytest.mark.parametrize("name", FIGURES)
def test_the_page_holds_what_python_computed(name):
    figure = FIGURES[name]()
    data = Page(figure.html()).data()
    assert _unpack(data) == json.loads(json.dumps(figure.table))
    assert [control["name"] for control in data["spec"]["controls"]] == [control.name for control in figure.controls]
    assert len(figure.html()) < 64_000


@pytest.mark.parametrize("name", FIGURES)
def test_the_page_has_a_picture_with_words_and_asks_for_nothing(name):
    page = Page(FIGURES[name]().html())
    tags = [tag for tag, _ in page.elements]
    assert tags == ["figure", "figcaption", "img", "script"]
    assert len(page.elements[2][1]["alt"]) > 60
    assert page.elements[2][1]["src"].startswith("data:image/png;base64,")
    assert set(re.findall(r"https?://[\w./]+", page.script)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xhtml",
    }
    assert "import " not in page.script


def test_words_cannot_break_out_of_the_script():
    sentence = 'it says </script> and <b> & "quotes"'
    page = Page(make(caption=sentence, alt=sentence).html())
    assert [tag for tag, _ in page.elements] == ["figure", "figcaption", "img", "script"]
    assert page.elements[2][1]["alt"] == sentence
    assert page.data()["spec"]["caption"] == sentence


@pytest.mark.slow
def test_html_is_the_same_in_every_process():
    code = "from swinlib import figures; print(figures.attention_reach().html(), figures.roll_figure().html())"
    runs = [
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True)
        for seed in ("1", "2")
    ]
    assert runs[0].returncode == 0, runs[0].stderr.decode()
    assert runs[0].stdout == runs[1].stdout


def test_figures_have_names_of_their_own():
    keys = {Page(make(words={"a": each}).html()).elements[0][1]["data-figure"] for each in "xyx"}
    assert len(keys) == 2


def test_without_a_kernel_a_figure_is_html_and_text():
    bundle = figures.attention_reach()._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"] == f"<interactive figure: {figures.attention_reach().caption}>"


class Kernel:
    kernel = object()


def test_without_anywidget_too(monkeypatch):
    monkeypatch.setattr(IPython, "get_ipython", Kernel)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    assert set(make()._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_in_a_kernel_python_answers_for_values_outside_the_table(monkeypatch):
    monkeypatch.setattr(IPython, "get_ipython", Kernel)
    figure = figures.attention_reach()
    assert WIDGET_VIEW in figure._repr_mimebundle_()
    widget = figure._widget
    assert widget.answer["data"] == reach_data(8, 4, 2)
    widget.question = {"size": 11, "window": 5, "shift": 3}
    assert widget.answer == {"values": widget.question, "data": reach_data(11, 5, 3)}
    widget.question = {"size": 11, "window": 5, "shift": 7}
    assert "shift_size 7 does not fit window_size 5" in widget.answer["data"]["error"]
    widget.question = {"size": "eleven", "window": 5, "shift": 7}
    assert "size must be an integer of at least 1" in widget.answer["data"]["error"]
    widget.question = {"nonsense": 1}
    assert widget.answer["data"]["error"].startswith("TypeError: ")


def test_a_control_starts_at_a_value_that_is_offered():
    with pytest.raises(ValueError, match="size=9 is not among the values that the figure offers: 4, 7, 8, 10, 14"):
        figures.attention_reach(size=9)
    with pytest.raises(ValueError, match="shift_size 3 does not fit window_size 2"):
        figures.attention_reach(window_size=2, shift_size=3)


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (-1, 2), (3, -7), (9, 1)])
def test_roll_data_is_where_each_number_goes(rows, columns):
    data = roll_data(rows, columns, 4, 6)
    for number in range(24):
        i, j = divmod(number, 6)
        k, m = (i + rows) % 4, (j + columns) % 6
        assert data["numbers"][k][m] == number
        assert data["wrapped"][k][m] == ((k, m) != (i + rows, j + columns))


def test_roll_data_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"whole rows and columns; got 0\.5 and 1"):
        roll_data(0.5, 1)
    with pytest.raises(ValueError, match="a grid of 4x13 is too large to draw; choose at most 12"):
        roll_data(0, 1, 4, 13)
