"""The source that a page shows is the source that runs."""

import ast
import inspect
import textwrap

import pytest

import swinlib
from swinlib import figures, windows
from swinlib.figures.source import source_of

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


def test_no_source_no_picture():
    with pytest.raises(TypeError, match="no Python source to show for 3; give a function"):
        figures.show_source(3)
