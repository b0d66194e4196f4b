"""Where a script's options stand: the line of every key, read from its syntax tree."""

import ast
from collections.abc import Iterator


def option_places(tree: ast.Module, name: str) -> dict[str, str]:
    """The place of each key of the ``options`` dictionary: ``scenarios.search.rate`` -> ``script.py:12``.

    The last assignment at the top level counts; what is computed has the line of the assignment. The empty
    key is the place of ``options`` itself.
    """
    places: dict[str, str] = {}
    for statement in tree.body:
        targets, value = _assignment(statement)
        for target in targets:
            if isinstance(target, ast.Name) and target.id == "options" and value is not None:
                places = {"": f"{name}:{statement.lineno}"}
                places |= {path: f"{name}:{line}" for path, line in _keys(value, "")}
            elif _is_option(target):
                # An item set later, as in `options["vus"] = 10`.
                key = target.slice.value  # type: ignore[attr-defined]
                places[key] = f"{name}:{statement.lineno}"
                if value is not None:
                    places |= {path: f"{name}:{line}" for path, line in _keys(value, f"{key}.")}
    return places


def function_places(tree: ast.Module, name: str) -> dict[str, str]:
    """The place of each function at the top level of the script."""
    return {
        node.name: f"{name}:{node.lineno}"
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _assignment(statement: ast.stmt) -> tuple[list[ast.expr], ast.expr | None]:
    if isinstance(statement, ast.Assign):
        return statement.targets, statement.value
    if isinstance(statement, ast.AnnAssign):
        return [statement.target], statement.value
    return [], None


def _is_option(target: ast.expr) -> bool:
    return (
        isinstance(target, ast.Subscript)
        and isinstance(target.value, ast.Name)
        and target.value.id == "options"
        and isinstance(target.slice, ast.Constant)
        and isinstance(target.slice.value, str)
    )


def _keys(value: ast.expr, prefix: str) -> Iterator[tuple[str, int]]:
    """Each key of a dictionary display or ``dict(...)`` call, and the keys inside its values."""
    pairs: list[tuple[str, ast.expr, int]] = []
    if isinstance(value, ast.Dict):
        pairs = [
            (key.value, inner, key.lineno)
            for key, inner in zip(value.keys, value.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        ]
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict":
        pairs = [(item.arg, item.value, item.value.lineno) for item in value.keywords if item.arg is not None]
    elif isinstance(value, ast.List | ast.Tuple):
        pairs = [(str(index), inner, inner.lineno) for index, inner in enumerate(value.elts)]
    for key, inner, line in pairs:
        yield f"{prefix}{key}", line
        yield from _keys(inner, f"{prefix}{key}.")
