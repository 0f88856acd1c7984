"""The very lines of swinlib, shown in a notebook, so that text and code cannot drift apart."""

import ast
import inspect
import re
import textwrap
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.display import Markdown


def source_of(obj: object, *, docstring: bool = False) -> str:
    """The source of a function, method or class, without its docstrings unless wanted.

    Raises:
        TypeError: if Python keeps no source of the object.
    """
    try:
        source = textwrap.dedent(inspect.getsource(obj))  # type: ignore[arg-type]
    except (TypeError, OSError) as error:
        raise TypeError(f"there is no Python source to show for {obj!r}; give a function, method or class.") from error
    if docstring or isinstance(obj, ModuleType):
        return source.rstrip()
    lines: list[str | None] = list(source.splitlines())
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or len(node.body) < 2:
            continue
        if ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            lines[first.lineno - 1 : first.end_lineno] = [None] * (first.end_lineno - first.lineno + 1)
            # a blank line after the docstring separated it from the code; it goes with it
            if lines[first.end_lineno] == "":
                lines[first.end_lineno] = None
    return "\n".join(line for line in lines if line is not None).rstrip()


def statement_of(obj: object, start: str) -> str:
    """The first statement in the source of a function, method or class that begins with ``start``, outer ones first.

    Raises:
        ValueError: if none does.
        TypeError: if Python keeps no source of the object.
    """
    source = source_of(obj)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and (ast.get_source_segment(source, node) or "").startswith(start):
            return textwrap.dedent("\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno]))
    raise ValueError(f"no statement of {obj.__qualname__} begins with {start!r}; show_source(...) shows them all.")


def script_of(name: str) -> str:
    """The source of a function of ``swin.js``, the forward pass that pages compute with, and the comment before it.

    Raises:
        ValueError: if there is no such function.
    """
    text = resources.files(__package__).joinpath("swin.js").read_text(encoding="utf-8")
    code = rf"(?:function {name}\(.*?\n}}|const {name} = .*?;)"
    for part in text.split("\n\n"):  # no function has an empty line
        found = re.search(rf"^(?:// (?!----).*\n)*{code}$", part, re.M | re.S)
        if found:
            return found[0]
    raise ValueError(f"swin.js has no function {name!r}.")


def show_script(*names: str) -> "Markdown":
    """Show functions of ``swin.js``, as ``show_source`` shows those of Python.

    Raises:
        ValueError: if there is no such function.
    """
    from IPython.display import Markdown

    code = "\n\n".join(map(script_of, names))
    return Markdown(f"From `swinlib/figures/swin.js`:\n\n```javascript\n{code}\n```")


def show_source(*objects: object, docstring: bool = False, statement: str | None = None) -> "Markdown":
    """Show the source of functions, methods or classes with the file that they are from.

    As the last expression of a cell it is highlighted in JupyterLab and on the built page.

    Args:
        objects: each with Python source.
        docstring: keep the docstrings; left out by default, so that the code reads short.
        statement: show of each object only the first statement that begins so, such as ``"self.blocks ="``.

    Raises:
        ValueError: if an object has no such statement.
        TypeError: if Python keeps no source of an object.
    """
    from IPython.display import Markdown

    parts: list[str] = []
    for obj in objects:
        module = inspect.getmodule(obj)
        file = None
        if module is not None and "." in module.__name__:
            file = Path(inspect.getsourcefile(inspect.unwrap(obj)) or "")  # where it is written, not its decorator
        if file is not None:
            package = module.__name__.split(".")[0]
            place = file.parts[len(file.parts) - 1 - file.parts[::-1].index(package) :]
            within = "" if statement is None else f", in `{obj.__qualname__}`"
            origin = f"From `{'/'.join(place)}`{within}:"
            if origin not in parts:
                parts.append(origin)
        code = source_of(obj, docstring=docstring) if statement is None else statement_of(obj, statement)
        parts.append(f"```python\n{code}\n```")
    return Markdown("\n\n".join(parts))
