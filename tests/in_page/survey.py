"""Which names of PyTorch the exercises ask for: in their solutions, in other right answers, in known mistakes."""

import ast
from pathlib import Path

import torch
from torch import nn

from swinlib.classroom.pages import read_page

ROOT = Path(__file__).resolve().parents[2]
MODULES = {"torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional"}


def names_in(source):
    """``torch.roll`` and its like; and ``.roll``, where a tensor or a module has an attribute of that name."""
    found, within = set(), set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Attribute) or node in within:
            continue
        parts, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            within.add(inner)
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id in MODULES:
            found.add(".".join([MODULES[inner.id], *reversed(parts)]))
        else:
            found |= {f".{part}" for part in parts if hasattr(torch.Tensor, part) or hasattr(nn.Module, part)}
    return found


def names_of(chapter):
    """The names that a chapter's exercises ask for, by where."""
    page = read_page(ROOT / "book" / "exercises" / f"{chapter}.ipynb")
    solutions = "\n".join(code for exercise in page.exercises for code in (exercise.given, exercise.solution))
    return {
        "solutions": names_in(solutions),
        "mistakes and judges": names_in((ROOT / "swinlib" / "check" / f"c{chapter}.py").read_text()),
        "other right answers": names_in((ROOT / "tests" / "check" / "alternatives" / f"c{chapter}.py").read_text()),
    }
