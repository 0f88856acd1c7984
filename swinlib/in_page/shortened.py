"""A module's source without what a page does not need: comments, docstrings, annotations, unused imports."""

import ast

# They look at all that they are given, or at each entry by itself: a list will do, which is several times as fast in
# the page's interpreter as a generator.
OF_ALL = ("all", "any", "dict", "frozenset", "join", "list", "max", "min", "prod", "set", "sorted", "sum", "tuple")


class _Shortener(ast.NodeTransformer):
    """Takes docstrings and annotations away; fields of classes keep theirs, which may make the class."""

    def __init__(self, left_out: tuple[str, ...]) -> None:
        self.left_out = left_out

    def _body(self, node: ast.AST) -> ast.AST:
        node.body = [each for each in node.body if not _is_text(each)] or [ast.Pass()]
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    visit_Module = visit_ClassDef = _body  # noqa: N815

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:
        decorators = [ast.unparse(each).partition("(")[0].rpartition(".")[2] for each in node.decorator_list]
        if set(decorators) & set(self.left_out):
            return None
        node.returns = None
        return self._body(node)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in OF_ALL:
            node.args = [
                ast.ListComp(each.elt, each.generators) if isinstance(each, ast.GeneratorExp) else each
                for each in node.args
            ]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        if getattr(node, "of_class", False):
            node.annotation = ast.Constant(None)
            return node
        return node.value and ast.copy_location(ast.Assign([node.target], node.value), node)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, ast.alias]:
    return {(alias.asname or alias.name).partition(".")[0]: alias for alias in node.names}


def shortened(source: str, *, left_out: tuple[str, ...] = (), keep_imports: bool = False) -> str:
    """The same program in fewer bytes.

    Args:
        source: of a module.
        left_out: decorators, by the last part of their names, whose functions go: ``("mistake",)``.
        keep_imports: whether other modules may import what this one imports.
    """
    tree, lines = ast.parse(source), source.splitlines()
    for node in ast.walk(tree):
        for each in node.body if isinstance(node, ast.ClassDef) else ():
            each.of_class = isinstance(each, ast.AnnAssign)
    tree = ast.fix_missing_locations(_Shortener(left_out).visit(tree))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {part for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
             for part in [node.value]}  # fmt: skip
    for node in list(tree.body):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        asked_for = "F401" in lines[node.lineno - 1]  # says that others import it from here
        if not keep_imports and not asked_for:
            node.names = [alias for name, alias in _imported(node).items() if name in used or name == "*"]
            if not node.names:
                tree.body.remove(node)
    return ast.unparse(tree)
