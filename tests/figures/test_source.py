"""The source that a page shows is the source that runs."""

import ast
import html
import inspect
import re
import textwrap
from pathlib import Path

import pytest

import swinlib
from swinlib import figures, windows
from swinlib.figures.source import script_of, source_of, statement_of

OBJECTS = [
    *(each for _, each in inspect.getmembers(windows, inspect.isfunction)),
    swinlib.PatchMerging,
    swinlib.WindowAttention,
    swinlib.SwinTransformer.forward,
    figures.Interactive,
    figures.show_mask,
]


def _program(source, docstrings):
    """The program that the source means, with or without its docstrings."""
    tree = ast.parse(textwrap.dedent(source))
    for node in ast.walk(tree):
        has_body = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and len(node.body) > 1
        if has_body and not docstrings and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


@pytest.mark.parametrize("obj", OBJECTS, ids=lambda obj: obj.__qualname__)
def test_only_docstrings_are_left_out(obj):
    short = source_of(obj)
    assert _program(short, docstrings=True) == _program(inspect.getsource(obj), docstrings=False)
    assert '"""' not in short
    assert set(short.splitlines()) <= set(textwrap.dedent(inspect.getsource(obj)).splitlines())
    assert source_of(obj, docstring=True) == textwrap.dedent(inspect.getsource(obj)).rstrip()


def test_the_code_follows_its_head_without_a_gap():
    lines = source_of(swinlib.PatchMerging).splitlines()
    assert lines[0].startswith("class PatchMerging")
    assert lines[1].strip()


def only_words():
    """A body that is nothing but this docstring."""


def test_a_body_is_not_left_empty():
    assert source_of(only_words).endswith('"""')


def test_page_names_the_file_and_fences_the_code():
    text = figures.show_source(windows.cyclic_shift, swinlib.PatchMerging).data
    assert text.startswith("From `swinlib/windows.py`:\n\n```python\ndef cyclic_shift(")
    assert "```\n\nFrom `swinlib/resampling.py`:\n\n```python\nclass PatchMerging" in text
    assert text.endswith("\n```")


def test_the_file_of_a_decorated_function_is_its_own():
    text = figures.show_source(swinlib.space_to_depth).data
    assert text.startswith("From `swinlib/resampling.py`:\n\n```python\n@exported_as(exporting.space_to_depth)\n")


def test_one_statement_is_shown_whole_and_by_its_beginning():
    text = figures.show_source(swinlib.SwinStage.__init__, statement="self.blocks =").data
    assert text.startswith(
        "From `swinlib/blocks.py`, in `SwinStage.__init__`:\n\n```python\nself.blocks = nn.ModuleList(\n"
    )
    assert text.endswith("\n)\n```")
    code = statement_of(swinlib.SwinStage.forward, "if self.gradient_checkpointing")
    assert code.startswith("if ")
    assert "\nelse:\n    x = block(x, block_mask)" in code  # all its branches, and its lines begin at the margin


def test_a_statement_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"of SwinStage\.__init__ begins with 'self\.blocs'"):
        figures.show_source(swinlib.SwinStage.__init__, statement="self.blocs")


@pytest.mark.parametrize("width", [1280, 390])
def test_long_lines_fold_on_the_page_and_are_copied_as_they_are(browser, width):
    """The book's style sheet, on an output as the built page holds it."""
    css = (Path(__file__).parents[2] / "book" / "_static" / "swin.css").read_text(encoding="utf-8")
    source = source_of(swinlib.SwinStage)
    assert max(map(len, source.splitlines())) > 100
    page = browser.new_page(viewport={"width": width, "height": 800})
    if not page.evaluate("CSS.supports('text-indent', '10ch hanging each-line')"):
        pytest.skip("This browser cannot indent the rest of a line; there, long lines scroll.")
    page.set_content(
        f"<!doctype html><style>{css} main {{ max-width: 43rem }}</style><main class='bd-article'>"
        f"<div class='cell_output'><div class='highlight-python'><pre>{html.escape(source)}</pre></div></div></main>"
    )
    assert page.evaluate("(pre => pre.scrollWidth - pre.clientWidth)(document.querySelector('pre'))") == 0
    selected = "getSelection().selectAllChildren(document.querySelector('pre')), getSelection().toString()"
    assert page.evaluate(selected) == source
    page.close()


def test_no_source_no_picture():
    with pytest.raises(TypeError, match="no Python source to show for 3; give a function"):
        figures.show_source(3)


def test_functions_of_the_script_are_shown_whole():
    script = (Path(figures.__file__).parent / "swin.js").read_text(encoding="utf-8")
    names = re.findall(r"^(?:function|const) ([a-z]\w*)", script, re.M)
    assert len(names) > 25
    for name in names:
        code = script_of(name)
        assert code in script
        assert code.count("{") == code.count("}")
        assert len(re.findall(r"^(?:function|const) ", code, re.M)) == 1
        assert "----" not in code
    shown = figures.show_script("mlp", "effective_shift").data
    assert shown.startswith("From `swinlib/figures/swin.js`:\n\n```javascript\nconst mlp = ")
    assert "// No shift along a side that one window covers.\nconst effective_shift" in shown
    with pytest.raises(ValueError, match="no function 'mlpp'"):
        script_of("mlpp")
