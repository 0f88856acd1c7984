"""Run the cells of recipes as plain Python, in whatever environment this is, and write down what came of them.

    python run_cells.py cells.json results.json

``cells.json`` holds ``{"setup": [source, ...], "recipes": {name: [source, ...]}}``. Every recipe gets the names of the
setup and none of another recipe's. ``results.json`` holds ``{name: {"outputs": [...], "error": None or a traceback}}``;
an output is what the cell printed, with the text of its last expression, or ``"a picture"``.
"""

import ast
import contextlib
import io
import json
import sys
import traceback
from pathlib import Path


def run(source, names):
    """Run one cell, and return its output."""
    module = ast.parse(source)
    last = module.body.pop() if module.body and isinstance(module.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(module, "<cell>", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if last else None
    if hasattr(value, "_repr_png_"):
        return "a picture" if value._repr_png_().startswith(b"\x89PNG") else "not a picture"
    return printed.getvalue() + ("" if value is None else repr(value))


def run_all(sources, names):
    """Run cells until one fails, and return the outputs of the others and the error, if there is one."""
    outputs = []
    try:
        for source in sources:
            outputs.append(run(source, names))
    except Exception:
        return {"outputs": outputs, "error": traceback.format_exc()}
    return {"outputs": outputs, "error": None}


if __name__ == "__main__":
    target = Path(sys.argv[2]).resolve()  # before a recipe leaves the folder
    cells = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    shared = {"__name__": "__main__"}
    results = {"setup": run_all(cells["setup"], shared)}
    if results["setup"]["error"] is None:
        results |= {name: run_all(sources, dict(shared)) for name, sources in cells["recipes"].items()}
    target.write_text(json.dumps(results), encoding="utf-8")
