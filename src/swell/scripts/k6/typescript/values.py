"""Enum values as far as they are known while translating: which are strings, and where counting goes on."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

Value = float | str | None
"""A number, a string, or None: known only when the script runs."""


@dataclass(slots=True)
class Known:
    """What an initializer may refer to."""

    lookup: Callable[[str], Value | None]
    """The value of an earlier member by its name alone."""
    lookup_in: Callable[[str, str], Value | None]
    """The value of a member of the enum of that name."""


def is_string(node: Node, known: Known) -> bool:
    """Whether an initializer's value is a string: such a member has no reverse mapping."""
    if isinstance(evaluate(node, known), str):
        return True
    children = [child for child in node.named_children if child.type != "comment"]
    match node.type:
        case "string" | "template_string":
            return True
        case "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression":
            return is_string(children[0], known)
        case "type_assertion":
            return is_string(children[-1], known)
        case "binary_expression" if _operator(node) == "+":
            return any(is_string(child, known) for child in children)
        case "ternary_expression":
            return all(is_string(child, known) for child in children[1:])
        case "unary_expression":
            return _operator(node) == "typeof"
        case _:
            return False


def evaluate(node: Node, known: Known) -> Value:
    """The constant value of an initializer, by the rules for constant enum expressions."""
    children = [child for child in node.named_children if child.type != "comment"]
    match node.type:
        case "number":
            return _number(_text(node))
        case "string":
            return _string(node)
        case "template_string":
            return _string(node) if all(child.type != "template_substitution" for child in children) else None
        case "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression":
            return evaluate(children[0], known)
        case "type_assertion":
            return evaluate(children[-1], known)
        case "unary_expression":
            return _unary(_operator(node), evaluate(children[-1], known))
        case "binary_expression":
            return _binary(_operator(node), evaluate(children[0], known), evaluate(children[1], known))
        case "identifier":
            found = known.lookup(_text(node))
            named = {"NaN": math.nan, "Infinity": math.inf}
            return found if found is not None else named.get(_text(node))
        case "member_expression" | "subscript_expression":
            return _member(node, known)
        case _:
            return None


def written(value: float) -> str:
    """A number as JavaScript writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogatepass")


def _operator(node: Node) -> str:
    operator = node.child_by_field_name("operator")
    return operator.type if operator is not None else ""


def _member(node: Node, known: Known) -> Value:
    owner, key = node.child_by_field_name("object"), node.child_by_field_name("property")
    if node.type == "subscript_expression":
        index = node.child_by_field_name("index")
        text = _string(index) if index is not None and index.type == "string" else None
    else:
        text = _text(key) if key is not None else None
    if owner is None or owner.type != "identifier" or text is None:
        return None
    return known.lookup_in(_text(owner), text)


def _number(text: str) -> Value:
    digits = text.replace("_", "").lower()
    if digits.endswith("n") and not digits.startswith("0x"):
        return None
    try:
        if digits[:2] in {"0x", "0o", "0b"}:
            return float(int(digits, 0))
        return float(digits)
    except ValueError:
        return None


def _string(node: Node) -> str | None:
    """The text of a literal; None where it has escapes, since nothing is counted on from a string."""
    if any(child.type == "escape_sequence" for child in node.named_children):
        return None
    return _text(node)[1:-1]


def _unary(operator: str, value: Value) -> Value:
    if not isinstance(value, float):
        return None
    match operator:
        case "-":
            return -value
        case "+":
            return value
        case "~":
            return float(~_int32(value))
        case _:
            return None


def _binary(operator: str, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if isinstance(left, str) or isinstance(right, str):
        if operator != "+":
            return None
        return "".join(part if isinstance(part, str) else written(part) for part in (left, right))
    return _arithmetic(operator, left, right)


def _arithmetic(operator: str, left: float, right: float) -> Value:
    a, b = _int32(left), _int32(right)
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right if right else (math.nan if not left else math.copysign(math.inf, left))
        case "%":
            return math.fmod(left, right) if right and math.isfinite(left) else math.nan
        case "**":
            return _power(left, right)
        case "|":
            return float(a | b)
        case "&":
            return float(a & b)
        case "^":
            return float(a ^ b)
        case "<<":
            return float(_int32(float(a << (b & 31))))
        case ">>":
            return float(a >> (b & 31))
        case ">>>":
            return float((a & 0xFFFFFFFF) >> (b & 31))
        case _:
            return None


def _power(left: float, right: float) -> Value:
    try:
        return math.pow(left, right)
    except (OverflowError, ValueError):
        return None


def _int32(value: float) -> int:
    if not math.isfinite(value):
        return 0
    wrapped = int(value) & 0xFFFFFFFF
    return wrapped - (1 << 32) if wrapped >= 1 << 31 else wrapped
