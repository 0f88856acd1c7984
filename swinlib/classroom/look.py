"""What a teacher should look at: hand-ins whose code reaches for what no exercise needs.

Nobody is graded by this. Whoever wants to hide it from a reading of the source can, and who has a reason to write
``sys`` has done nothing wrong.
"""

import ast
import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence

# Ways to the process in which the code runs, to the code that calls it, and out of it
MODULES = {
    *("sys", "gc", "ctypes", "inspect", "builtins", "importlib", "types", "marshal", "pickle", "unittest", "mock"),
    *("subprocess", "socket", "signal", "multiprocessing", "threading", "resource", "atexit", "runpy", "pkgutil"),
}
NAMES = {
    *("_getframe", "_current_frames", "settrace", "setprofile", "get_objects", "get_referrers", "currentframe"),
    *("__globals__", "__code__", "__closure__", "__builtins__", "__subclasses__", "__mro__", "__bases__", "__import__"),
    *("__loader__", "__spec__", "__getattribute__", "__dict__", "f_back", "f_globals", "f_locals", "tb_frame"),
    *("gi_frame", "cr_frame", "co_code", "_exit", "memfd_create"),
}
BUILT_IN = {"exec", "eval", "compile", "breakpoint", "vars", "get_ipython"}  # a model has an `eval` too
LIBRARIES = {"torch", "torchvision", "numpy", "np", "swinlib", "json", "check"}  # whose parts nobody needs to replace
OF_CHECK = {"CheckFailed"}  # what a notebook may use of `swinlib.check` besides the checks
WORD = re.compile(r"\w+")
MAGIC = re.compile(r"^[%!].*$", re.MULTILINE)  # a line that is IPython's


def reaches_for(cells: Sequence[str], exercises: Mapping[str, Collection[str]]) -> list[str]:
    """What the code of a notebook reaches for, in the order of the alphabet.

    Args:
        cells: the sources of its code cells. Of one that is not Python every word counts.
        exercises: by name, the dotted names that each asks to do without; and whose checks the code may call.
    """
    allowed = OF_CHECK | set(exercises)
    found = {each for source in cells for each in _found(source, allowed)}
    return sorted(found | {each for source in cells for each in _forbidden(source, exercises)})


def _forbidden(source: str, exercises: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Functions of a library that a cell names, though it writes an exercise that is to be done without them.

    Methods are left to the check, which refuses them when they are called: a name such as ``to`` has too many owners.
    """
    nodes = _nodes(source) or [ast.Module([])]
    written = {name for statement in nodes[0].body for name in _bound([statement, *_targets(statement)])}
    names = {name for exercise in exercises.keys() & written for name in exercises[exercise]}
    functions = {name for name in names if not any(part[:1].isupper() for part in name.split("."))}
    for node in nodes if functions else ():
        match node:
            case ast.Attribute():
                used = [_dotted(node)]
            case ast.ImportFrom(module=str(module), names=parts):
                used = [f"{module}.{part.name}" for part in parts]
            case _:
                continue
        for dotted in used:
            if any(_ends(dotted) == _ends(each) for each in functions):
                yield dotted


def _targets(statement: ast.stmt) -> list[ast.AST]:
    """What a statement binds, if it is an assignment or an import."""
    return [*getattr(statement, "targets", ()), *getattr(statement, "names", ())]


def _ends(dotted: str) -> tuple[str, str]:
    """The first part and the last: `torch.ops.aten.roll` is a way to `torch.roll`."""
    return dotted.partition(".")[0], dotted.rpartition(".")[2]


def bound(source: str) -> set[str]:
    """The names that a cell binds, at any depth; in one that is not Python, every word."""
    nodes = _nodes(source)
    if nodes is None:
        return set(WORD.findall(source))
    return _bound(nodes)


def _bound(nodes: Sequence[ast.AST]) -> set[str]:
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
    return names | {node.asname or node.name for node in nodes if isinstance(node, ast.alias)}


def _nodes(source: str) -> list[ast.AST] | None:
    """All nodes of a cell's syntax tree; None if it is not Python, or too deep."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of a student's code, on the teacher's terminal
            return list(ast.walk(ast.parse(MAGIC.sub("pass", source))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _found(source: str, allowed: set[str]) -> Iterator[str]:
    nodes = _nodes(source)
    if nodes is None:
        yield from (MODULES | NAMES | BUILT_IN) & set(WORD.findall(source))
        return
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from (name for each in names for name in _module(each.name))
            case ast.ImportFrom(module=str(module), names=names):
                whole = [module] if module != "swinlib" else [f"swinlib.{each.name}" for each in names]
                yield from (name for each in whole for name in _module(each) if each != "swinlib.check")
                yield from NAMES & {each.name for each in names}
                if module.startswith("swinlib.check"):
                    yield "swinlib.check"
            case ast.Attribute(ctx=ast.Store()) if (part := _dotted(node)).split(".")[0] in LIBRARIES:
                yield f"{part}="
            case ast.Call(func=ast.Name(id="setattr"), args=[whole, *_]) if _dotted(whole).split(".")[0] in LIBRARIES:
                yield f"{_dotted(whole)}="
            case ast.Name(id="check", ctx=ast.Store()) | ast.ClassDef(name="check") | ast.FunctionDef(name="check"):
                yield "check="
            case ast.Attribute(value=ast.Name(id="check"), attr=name) if name not in allowed:
                yield "swinlib.check"
            case ast.Attribute(value=ast.Name(id="swinlib"), attr="check"):
                yield "swinlib.check"
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in NAMES:
                yield name
            case ast.Name(id=name) if name in BUILT_IN:
                yield name
            case ast.Constant(value=str(text)):  # as in getattr(f, "__globals__")
                yield from {text} & (NAMES | {"swinlib.check"})


def _dotted(node: ast.expr) -> str:
    """A name with attributes as it is written; empty if it is something else."""
    parts = []
    while isinstance(node, ast.Attribute):  # a student may write thousands
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _module(name: str) -> Iterator[str]:
    """The part of a module's name that is worth a look, if any."""
    if name.split(".")[0] in MODULES:
        yield name.split(".")[0]
    if name.startswith("swinlib.check"):
        yield "swinlib.check"
