"""The very lines of swinlib, shown in a notebook, so that text and code cannot drift apart."""

import ast
import inspect
import textwrap
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


def show_source(*objects: object, docstring: bool = False) -> "Markdown":
    """Show the source of functions, methods or classes with the file that they are from.

    As the last expression of a cell it is highlighted in JupyterLab and on the built page.

    Args:
        objects: each with Python source.
        docstring: keep the docstrings; left out by default, so that the code reads short.
    """
    from IPython.display import Markdown

    parts: list[str] = []
    for obj in objects:
        module = inspect.getmodule(obj)
        file = Path(inspect.getsourcefile(obj) or "") if module is not None and "." in module.__name__ else None
        if file is not None:
            package = module.__name__.split(".")[0]
            place = file.parts[len(file.parts) - 1 - file.parts[::-1].index(package) :]
            origin = f"From `{'/'.join(place)}`:"
            if origin not in parts:
                parts.append(origin)
        parts.append(f"```python\n{source_of(obj, docstring=docstring)}\n```")
    return Markdown("\n\n".join(parts))
