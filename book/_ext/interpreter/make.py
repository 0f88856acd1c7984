"""Make ``brython.js`` and ``library.json`` from Brython as npm has it.

    npm pack brython@3.14.3 && tar -xzf brython-3.14.3.tgz
    python book/_ext/interpreter/make.py package

Needs Node: terser 5.51.4, which ``npx`` fetches, shortens what is JavaScript.
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TERSER = ("npx", "--yes", "terser@5.51.4", "--compress", "--mangle")
# What exercises and their checks import, and what these import in turn.
MODULES = (
    *("_collections", "_collections_abc", "_operator", "_py_abc", "_random"),
    *("_thread", "_weakref", "_weakrefset", "abc", "bisect", "collections"),
    *("copy", "copyreg", "functools", "heapq", "keyword", "math", "numbers"),
    *("operator", "python_re", "reprlib", "sys", "types", "weakref"),
)

# What is wrong in them, and what it is instead.
CORRECTIONS = {
    "has no len() VVV": "has no len()",
    "(expected  ": "(expected ",
    "self=object.__new__(cls,*args,**kw)": "self=object.__new__(cls)",
}


def corrected(source: str) -> str:
    """Return a source with corrections."""
    for wrong, right in CORRECTIONS.items():
        source = source.replace(wrong, right)
    return source


def shortened_javascript(source: str) -> str:
    """Return a script without comments, with short names."""
    return subprocess.run(
        TERSER, input=source, capture_output=True, text=True, check=True
    ).stdout


def shortened_python(source: str) -> str:
    """Return a module without comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(
            getattr(first.value, "value", None), str
        ):
            body[0] = ast.Pass()
    return ast.unparse(tree)


def library(scripts: str) -> dict[str, list]:
    """Return the modules: for each kind, source, and whether it is a package.

    `functools` has in Python itself what Brython's own `_functools` gets wrong,
    which is left out.
    """
    start = scripts.index("{", scripts.index("scripts"))
    found, _ = json.JSONDecoder().raw_decode(scripts[start:])
    shorten = {".js": shortened_javascript, ".py": shortened_python}
    modules = {}
    for name in MODULES:
        kind, source, *more = found[name]
        modules[name] = [kind, shorten[kind](corrected(source)), len(more) > 1]
    return modules


def main(package: Path) -> None:
    """Write both files."""
    core = (package / "brython.js").read_text("utf-8")
    modules = library((package / "brython_stdlib.js").read_text("utf-8"))
    text = json.dumps(modules, indent=0, ensure_ascii=False) + "\n"
    (HERE / "brython.js").write_text(
        shortened_javascript(corrected(core)), "utf-8"
    )
    (HERE / "library.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
