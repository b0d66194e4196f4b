"""The tools that the gateway executes: mocks that answer the same to the same, and a real calculator."""

import ast
import hashlib
import operator
from collections.abc import Callable
from typing import Any

from swell_target.base.errors import Problem

TOOLS = {
    "web_search": "Searches the web",
    "search": "Searches the knowledge base",
    "calculator": "Computes an expression of numbers",
    "weather": "Tells the weather of a place",
    "translate": "Translates a text",
    "summarize": "Shortens a text",
    "echo": "Gives its text back",
}
SKIES = ("sunny", "cloudy", "rainy", "windy")
MAX_EXPRESSION = 200
SUMMARY_WORDS = 20
NOT_AN_EXPRESSION = f"not an expression of numbers, + - * / and brackets within {MAX_EXPRESSION} characters"
OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def run_tool(seed: int, name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
    """Whether the tool could use its arguments; its output, or why not; Problem 404 without that tool."""
    if name not in TOOLS:
        raise Problem(404, f"no such tool: there are {', '.join(TOOLS)}")
    if name == "calculator":
        value = calculate(_text(arguments, "expression", "query", default="0"))
        return value is not None, value or NOT_AN_EXPRESSION
    return True, _mock(seed, name, arguments)


def _mock(seed: int, name: str, arguments: dict[str, Any]) -> str:
    text = _text(arguments, "text", "query", "location", "content", default="")
    chance = hashlib.sha256(f"{seed}:{name}:{text}".encode()).digest()[0]
    match name:
        case "echo":
            return text
        case "weather":
            return f"{text or 'Here'}: {SKIES[chance % len(SKIES)]}, {10 + chance % 20} degrees"
        case "summarize":
            return " ".join(text.split()[:SUMMARY_WORDS]) or "Nothing to summarize."
        case "translate":
            return f"[{_text(arguments, 'target_language', 'to', default='en')}] {text}"
        case _:
            return f"{1 + chance % 9} results for {text!r}"


def _text(arguments: dict[str, Any], *names: str, default: str) -> str:
    found = next((arguments[name] for name in names if name in arguments), default)
    return found if isinstance(found, str) else str(found)


def calculate(expression: str) -> str | None:
    """The value of an expression of numbers, + - * / and brackets; None for any other, or a longer one."""
    if len(expression) > MAX_EXPRESSION:
        return None
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body)
    except (ValueError, SyntaxError, ArithmeticError, RecursionError, MemoryError):
        return None
    return f"{value:g}"


def _value(node: ast.AST) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.operand))
    raise ValueError
