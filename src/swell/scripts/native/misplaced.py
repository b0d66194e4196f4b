"""Names at the top level of a script that swell would read under another name or in another place.

Only names that the script itself never uses, neither as names nor in a text (a scenario's ``exec``), are
looked at: a variable ``duration`` that functions read is the script's own affair.
"""

import ast
from collections.abc import Iterator
from difflib import get_close_matches

from swell.base.errors import Fault
from swell.config.table import RUN_OPTIONS

_OPTIONS = "options"
_LIFECYCLE = {"setup": "setup", "teardown": "teardown", "handlesummary": "handle_summary"}


def misplaced(tree: ast.Module, script: str) -> Iterator[Fault]:
    """Faults for options, and lifecycle functions, that would be passed over in silence."""
    used = _used(tree)
    assigned = list(_assigned(tree))
    has_options = any(name == _OPTIONS for name, _, _ in assigned)
    known = {spelling for row in RUN_OPTIONS for spelling in (row.name, row.key)}
    for name, value, line in assigned:
        if name in used:
            continue
        place = f"{script}:{line}"
        if name in known:
            hint = f'write it inside options: options = {{"{name}": ...}}'
            yield Fault(place, f"{name} is an option, but stands where no option is read", hint)
        elif not has_options and isinstance(value, ast.Dict) and get_close_matches(name, [_OPTIONS]):
            yield Fault(place, f"nothing reads {name}", f"did you mean {_OPTIONS!r}?")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list and node.name not in used:
            meant = _LIFECYCLE.get(node.name.lower().replace("_", ""), node.name)
            if meant != node.name:
                place = f"{script}:{node.lineno}"
                yield Fault(place, f"nothing calls {node.name}()", f"did you mean {meant!r}?")


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None, int]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value, node.lineno
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value, node.lineno


def _used(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found
