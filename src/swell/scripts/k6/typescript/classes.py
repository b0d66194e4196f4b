"""Classes: types and modifiers go, parameter properties become fields and assignments."""

import re

from tree_sitter import Node

from swell.scripts.k6.typescript import erasure
from swell.scripts.k6.typescript.context import Translation, child
from swell.scripts.k6.typescript.parsing import skip_blanks
from swell.scripts.k6.typescript.scopes import Scope

_MODIFIERS = {"accessibility_modifier", "override_modifier", "readonly", "abstract", "declare"}
_BINDERS = {
    "variable_declarator",
    "required_parameter",
    "optional_parameter",
    "arrow_function",
    "catch_clause",
}
# A member that begins so would be read as the end of the one before it, where that has no semicolon.
_JOINS = (b"[", b"*", b"in", b"instanceof")


def class_(translation: Translation, node: Node, scope: Scope) -> None:
    """``class``, ``abstract class`` and class expressions."""
    name = node.child_by_field_name("name")
    inside = translation.inner(scope)
    if name is not None:
        (inside if node.type == "class" else scope).declare(translation.text(name), "class")
    for part in node.children:
        if part.type == "abstract":
            if translation.breaks(part.end_byte, skip_blanks(translation.data, part.end_byte)):
                raise translation.refuse(part, "syntax error: 'abstract' must stand on the line of its class")
            translation.erase(part)
        elif part.type == "decorator":
            erasure.decorator(translation, part, scope)
        elif part.type == "type_parameters":
            translation.erase(part)
    body = child(node, "body")
    heritage = next((part for part in node.named_children if part.type == "class_heritage"), None)
    constructor = next(
        (member for member in body.named_children if _is_constructor(translation, member)), None
    )
    if constructor is not None:
        extends = heritage is not None and heritage.named_children[0].type == "extends_clause"
        _parameter_properties(translation, body, constructor, extends=extends)
    translation.follow([part for part in (heritage, body) if part is not None], inside)


def field(translation: Translation, node: Node, scope: Scope) -> None:
    """A field: ``declare`` and ``abstract`` ones are types only, others stay, also without a value."""
    name, value = child(node, "name"), node.child_by_field_name("value")
    if any(part.type in {"declare", "abstract"} for part in node.children[: node.children.index(name)]):
        translation.remove_statement(node)
        return
    if any(part.type == "accessor" for part in node.children):
        raise translation.refuse(node, "'accessor' is not supported", hint="write a getter and a setter")
    _modifiers(translation, node, name)
    closed = value is None and _is_open(translation, node)
    for part in node.children:
        if part.type in {"?", "!", "type_annotation"}:
            translation.edits.blank(part.start_byte, part.end_byte, first=";" if closed else "")
            closed = False
    if name.type == "computed_property_name":
        translation.descend(name, scope)
    if value is not None:
        # A value sees the names around it as a method's body would, and `var` in it has no way out.
        translation.follow([value], translation.inner(scope, is_function=True))


def _is_open(translation: Translation, node: Node) -> bool:
    """Whether a member has no semicolon: ``get: T`` before a method must not become a getter."""
    following = skip_blanks(translation.data, node.end_byte)
    return translation.data[following : following + 1] not in {b";", b"}"}


def method(translation: Translation, node: Node, scope: Scope) -> None:
    """A method with a body, in a class or an object."""
    name = child(node, "name")
    _modifiers(translation, node, name)
    for part in node.children:
        if part.type == "?":
            translation.erase(part)
    erasure.function(translation, node, scope)


def _modifiers(translation: Translation, node: Node, name: Node) -> None:
    leading = node.start_byte
    for part in node.children:
        if part.start_byte >= name.start_byte:
            break
        if part.type == "decorator":
            raise translation.refuse(
                part, "decorators are not supported", hint="call the function on the class instead"
            )
        if part.type not in _MODIFIERS:
            continue
        following = skip_blanks(translation.data, part.end_byte)
        if translation.breaks(part.end_byte, following):
            word = translation.text(part)
            raise translation.refuse(part, f"syntax error: {word!r} must stand on the line of its member")
        rest = translation.data[following:]
        first = ";" if part.start_byte == leading and rest.startswith(_JOINS) else ""
        translation.edits.blank(part.start_byte, part.end_byte, first=first)


# --- Parameter properties -----------------------------------------------------------------------------


def _is_constructor(translation: Translation, node: Node) -> bool:
    name = node.child_by_field_name("name") if node.type == "method_definition" else None
    return name is not None and translation.text(name) == "constructor"


def _parameter_properties(translation: Translation, body: Node, constructor: Node, *, extends: bool) -> None:
    """``constructor(private x)`` declares the field x, and assigns it at once or after ``super(...)``."""
    parameters = constructor.child_by_field_name("parameters")
    code = constructor.child_by_field_name("body")
    if parameters is None or code is None:
        return
    names: list[str] = []
    for parameter in parameters.named_children:
        if not any(part.type in _MODIFIERS for part in parameter.children):
            continue
        pattern = parameter.child_by_field_name("pattern")
        if pattern is None or pattern.type != "identifier":
            raise translation.refuse(parameter, "a parameter property must be a plain name")
        names.append(translation.text(pattern))
    if not names:
        return
    at = body.start_byte + 1
    translation.edits.put(at, at, "".join(f" {name};" for name in names))
    assignments = [f"this.{name} = {name}" for name in names]
    if not extends:
        at = code.start_byte + 1
        translation.edits.put(at, at, "".join(f" {text};" for text in assignments))
        return
    for call in _super_calls(code):
        statement = call.parent
        if statement is not None and statement.type == "expression_statement" and statement.parent == code:
            text = "".join(f"; {text}" for text in assignments) + ";"
            translation.edits.put(call.end_byte, call.end_byte, text)
        else:
            _refuse_hidden(translation, call, code, names)
            translation.edits.put(call.start_byte, call.start_byte, "(")
            translation.edits.put(call.end_byte, call.end_byte, f", {', '.join(assignments)}, this)")


def _super_calls(code: Node) -> list[Node]:
    """Each ``super(...)`` of a constructor, those in arrows too, in no particular order."""
    found: list[Node] = []
    pending = [code]
    while pending:
        node = pending.pop()
        callee = node.child_by_field_name("function") if node.type == "call_expression" else None
        if callee is not None and callee.type == "super":
            found.append(node)
        if node.type not in {"class", "class_declaration", "function_expression", "function_declaration"}:
            pending += node.named_children
    return found


def _refuse_hidden(translation: Translation, call: Node, code: Node, names: list[str]) -> None:
    """An inner variable of the parameter's name would be assigned instead: rather refused than guessed."""
    pending = [code]
    while pending:
        node = pending.pop()
        fields = ("name", "pattern", "parameter") if node.type in _BINDERS else ()
        patterns = [pattern for key in fields if (pattern := node.child_by_field_name(key)) is not None]
        words = {word for pattern in patterns for word in re.findall(r"[\w$]+", translation.text(pattern))}
        hidden = sorted(words.intersection(names))
        if hidden:
            raise translation.refuse(
                call,
                f"super(...) cannot be translated where {hidden[0]!r} is also another variable",
                hint="rename it, or assign the property yourself",
            )
        pending += node.named_children
