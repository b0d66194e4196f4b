"""Types out of expressions, functions and parameters: blanks in their places, which join no lines."""

from tree_sitter import Node

from swell.scripts.k6.typescript.context import Translation, child
from swell.scripts.k6.typescript.parsing import skip_blanks
from swell.scripts.k6.typescript.scopes import Scope

# How tightly a binary operator binds, as far as it matters beside `as`, which binds like `<`.
_RELATIONAL = 10
_STRENGTH = {
    **dict.fromkeys(("==", "!=", "===", "!=="), 9),
    **dict.fromkeys(("<", ">", "<=", ">=", "in", "instanceof"), _RELATIONAL),
    **dict.fromkeys(("<<", ">>", ">>>"), 11),
    **dict.fromkeys(("+", "-"), 12),
    **dict.fromkeys(("*", "/", "%"), 13),
    "**": 14,
}
# What would be read otherwise than as an expression at the start of a statement, or of an arrow's body.
_STARTS_OTHERWISE = ("object", "function_expression", "generator_function", "class", "object_pattern")
# What the grammar lets follow a cast, though TypeScript reads on in the type, or refuses.
_NEVER_OF_A_CAST = {
    "member_expression",
    "subscript_expression",
    "non_null_expression",
    "instantiation_expression",
    "update_expression",
}
_CASTS = ("as_expression", "satisfies_expression")


# --- Expressions --------------------------------------------------------------------------------------


def as_expression(translation: Translation, node: Node, scope: Scope) -> None:
    """``x as T``, ``x as const`` and ``x satisfies T`` are ``x``."""
    operand = _operand(node)
    keyword = next(part for part in node.children if part.type in {"as", "satisfies"})
    if translation.breaks(operand.end_byte, keyword.start_byte):
        raise translation.refuse(keyword, f"syntax error: {keyword.type!r} must not begin a line")
    if node.parent is not None and node.parent.type in _NEVER_OF_A_CAST and node.parent.children[0] == node:
        raise translation.refuse(keyword, f"the type after {keyword.type!r} cannot be told from what follows")
    translation.check_line_ends(node.named_children[-1])
    first = ";" if translation.goes_on_wrongly(node) else ""
    grouped = _needs_parentheses(node, operand)
    if grouped is not None:
        translation.edits.put(grouped.start_byte, grouped.start_byte, "(")
        first = ")"
    translation.edits.blank(operand.end_byte, node.end_byte, first=first)
    translation.follow([operand], scope)


def _operand(node: Node) -> Node:
    return next(part for part in node.named_children if part.type != "comment")


def _needs_parentheses(node: Node, operand: Node) -> Node | None:
    """What must be kept together, since what follows the cast binds more tightly.

    ``a + b as T * c`` is ``(a + b) * c``. The grammar puts weaker operators into the cast, too: in
    ``a && b + c as T * d`` its operand is ``b + c``.
    """
    parent = node.parent
    if parent is None or parent.type != "binary_expression" or parent.child_by_field_name("left") != node:
        return None
    after = _strength(parent)
    while operand.type in _CASTS or (
        operand.type == "binary_expression" and _strength(operand) < _RELATIONAL
    ):
        operand = _operand(operand) if operand.type in _CASTS else operand.named_children[-1]
    if operand.type == "binary_expression":
        return operand if _strength(operand) < after or after == _STRENGTH["**"] else None
    unary = operand.type in {"unary_expression", "await_expression", "type_assertion"}
    return operand if unary and after == _STRENGTH["**"] else None


def _strength(node: Node) -> int:
    operator = node.child_by_field_name("operator")
    return _STRENGTH.get(operator.type, 0) if operator is not None else 0


def type_assertion(translation: Translation, node: Node, scope: Scope) -> None:
    """``<T>x`` is ``x``, in parentheses where a line end or the first token would change its meaning."""
    types, operand = [part for part in node.named_children if part.type != "comment"]
    leftmost = operand
    while leftmost.type == "type_assertion":
        leftmost = leftmost.named_children[-1]
    wrap = translation.breaks(node.start_byte, leftmost.start_byte) or (
        _starts_otherwise(leftmost) and _is_first(node)
    )
    translation.edits.blank(types.start_byte, types.end_byte, first="(" if wrap else "")
    if wrap:
        translation.edits.put(operand.end_byte, operand.end_byte, ")")
    translation.follow([operand], scope)


def _starts_otherwise(node: Node) -> bool:
    first: Node | None = node
    while first is not None:
        if first.type in _STARTS_OTHERWISE or (first.type == "identifier" and first.text == b"let"):
            return True
        first = first.children[0] if first.children else None
    return False


def _is_first(node: Node) -> bool:
    """Whether the expression opens a statement, an arrow's body or a default export."""
    inner, parent = node, node.parent
    while parent is not None:
        if parent.type == "arrow_function":
            return parent.child_by_field_name("body") == inner
        if parent.type == "export_statement":
            return True
        if parent.start_byte != node.start_byte:
            return False
        if parent.type == "expression_statement":
            return True
        inner, parent = parent, parent.parent
    return False


def non_null(translation: Translation, node: Node, scope: Scope) -> None:
    """``x!`` is ``x``."""
    operand = _operand(node)
    mark = node.children[-1]
    if translation.breaks(operand.end_byte, mark.start_byte):
        raise translation.refuse(mark, "syntax error: '!' after a value must stand on its line")
    translation.edits.blank(mark.start_byte, mark.end_byte)
    translation.follow([operand], scope)


def instantiation(translation: Translation, node: Node, scope: Scope) -> None:
    """``f<T>`` as a value is ``f``."""
    types = child(node, "type_arguments")
    first = ";" if translation.goes_on_wrongly(node) else ""
    translation.edits.blank(types.start_byte, types.end_byte, first=first)
    translation.follow([_operand(node)], scope)


def call(translation: Translation, node: Node, scope: Scope) -> None:
    """A plain name that is called is noted as such: an exported function is called without ``this``."""
    callee = node.child_by_field_name("function")
    arguments = node.child_by_field_name("arguments")
    if callee is not None and callee.type in _CASTS and arguments is not None:
        _cast_before_call(translation, callee, arguments)
    if callee is not None and callee.type == "identifier" and arguments is not None:
        shape = "call" if arguments.type == "arguments" else "plain"
        translation.refer(callee, scope, shape, arguments)
        translation.follow(node.named_children[1:], scope)
    else:
        translation.descend(node, scope)


def _cast_before_call(translation: Translation, cast: Node, arguments: Node) -> None:
    """The grammar takes ``x as T`` for a callee; in TypeScript a line end closes the statement there."""
    if not translation.breaks(cast.end_byte, arguments.start_byte):
        raise translation.refuse(arguments, "syntax error: a cast that is called needs parentheses")


def binary(translation: Translation, node: Node, scope: Scope) -> None:
    """``a<b>`` before a template or a line end has type arguments; the grammar takes it for comparisons."""
    operator, left = node.child_by_field_name("operator"), node.child_by_field_name("left")
    if (
        operator is not None
        and operator.type == ">"
        and left is not None
        and left.type == "binary_expression"
    ):
        inner = left.child_by_field_name("operator")
        following = skip_blanks(translation.data, operator.end_byte)
        if (
            inner is not None
            and inner.type == "<"
            and (
                translation.data[following : following + 1] == b"`"
                or translation.breaks(operator.end_byte, following)
            )
        ):
            raise translation.refuse(inner, "type arguments or a comparison?", hint="put parentheses")
    translation.descend(node, scope)


def parenthesized(translation: Translation, node: Node, scope: Scope) -> None:
    """The grammar lets ``(x: T)`` pass for an expression; TypeScript does not."""
    annotation = node.child_by_field_name("type")
    if annotation is not None:
        raise translation.refuse(annotation, "syntax error: unexpected ':'")
    translation.descend(node, scope)


def assignment(translation: Translation, node: Node, scope: Scope) -> None:
    """``using`` hides in the grammar's assignments."""
    if node.children[0].type == "using":
        raise translation.refuse(node, "'using' is not supported", hint="use const, and try with finally")
    translation.descend(node, scope)


def decorator(translation: Translation, node: Node, _scope: Scope) -> None:
    """k6 runs no decorators."""
    raise translation.refuse(
        node, "decorators are not supported", hint="call the function on the class instead"
    )


def identifier(translation: Translation, node: Node, scope: Scope) -> None:
    """A name in an expression."""
    translation.refer(node, scope)


def shorthand(translation: Translation, node: Node, scope: Scope) -> None:
    """``{name}`` in an object, or in a pattern that is assigned to."""
    translation.refer(node, scope, "shorthand")


# --- Functions ----------------------------------------------------------------------------------------


def function(translation: Translation, node: Node, scope: Scope) -> None:
    """Every kind of function but arrows: name, parameters, body."""
    name = node.child_by_field_name("name")
    inside = translation.inner(scope, is_function=True)
    if name is not None and name.type == "identifier":
        declared = node.type in {"function_declaration", "generator_function_declaration"}
        (scope if declared else inside).declare(translation.text(name), "function")
    _signature(translation, node, inside, scope)
    body = node.child_by_field_name("body")
    if body is not None:
        translation.descend(body, translation.inner(inside, is_function=True))


def _signature(translation: Translation, node: Node, inside: Scope, outside: Scope) -> None:
    """Type parameters, parameters and return type go; what a computed name or a default says is walked."""
    name = node.child_by_field_name("name")
    if name is not None and name.type == "computed_property_name":
        translation.descend(name, outside)
    for field in ("type_parameters", "return_type"):
        part = node.child_by_field_name(field)
        if part is not None:
            translation.erase(part)
    parameters = node.child_by_field_name("parameters")
    if parameters is not None:
        _parameters(translation, parameters, inside)


def _parameters(translation: Translation, node: Node, scope: Scope) -> None:
    children = node.children
    for index, part in enumerate(children):
        if part.type not in {"required_parameter", "optional_parameter"}:
            continue
        pattern = part.child_by_field_name("pattern")
        if pattern is not None and pattern.type == "this":
            comma = next((sibling for sibling in children[index:] if sibling.type == ","), part)
            translation.edits.blank(part.start_byte, comma.end_byte)
        else:
            _parameter(translation, part, scope)


def _parameter(translation: Translation, node: Node, scope: Scope) -> None:
    for part in node.children:
        match part.type:
            case "accessibility_modifier" | "override_modifier" | "readonly":
                following = skip_blanks(translation.data, part.end_byte)
                if translation.breaks(part.end_byte, following):
                    raise translation.refuse(part, f"{translation.text(part)!r} must stand before its name")
                translation.erase(part)
            case "?" | "type_annotation":
                translation.erase(part)
            case "decorator":
                decorator(translation, part, scope)
    translation.bind(node.child_by_field_name("pattern"), scope, scope)
    value = node.child_by_field_name("value")
    if value is not None:
        translation.follow([value], scope)


def arrow(translation: Translation, node: Node, scope: Scope) -> None:
    """Arrows allow no line end before ``=>`` nor after ``async``: the parentheses take the place of types."""
    inside = translation.inner(scope, is_function=True)
    parameters = node.child_by_field_name("parameters")
    if parameters is None:
        translation.bind(node.child_by_field_name("parameter"), inside, inside)
    else:
        _arrow_head(translation, node, parameters)
        _parameters(translation, parameters, inside)
    body = node.child_by_field_name("body")
    if body is not None and body.type == "statement_block":
        translation.descend(body, translation.inner(inside, is_function=True))
    elif body is not None:
        translation.follow([body], inside)


def _arrow_head(translation: Translation, node: Node, parameters: Node) -> None:
    edits = translation.edits
    types = node.child_by_field_name("type_parameters")
    if types is not None and translation.breaks(types.start_byte, parameters.start_byte):
        edits.blank(types.start_byte, types.end_byte, first="(")
        edits.blank(parameters.start_byte, parameters.start_byte + 1)
    elif types is not None:
        edits.blank(types.start_byte, types.end_byte)
    result = node.child_by_field_name("return_type")
    if result is not None and translation.breaks(parameters.end_byte, result.end_byte):
        edits.blank(parameters.end_byte - 1, parameters.end_byte)
        edits.blank(result.start_byte, result.end_byte, last=")")
    elif result is not None:
        edits.blank(result.start_byte, result.end_byte)


# --- Declarations and blocks --------------------------------------------------------------------------


def variables(translation: Translation, node: Node, scope: Scope) -> None:
    """``let``, ``const`` and ``var``."""
    owner = scope.function() if node.type == "variable_declaration" else scope
    for part in node.named_children:
        if part.type == "variable_declarator":
            declarator(translation, part, owner, scope)


def declarator(translation: Translation, node: Node, owner: Scope, scope: Scope) -> None:
    """One name or pattern with its type and its value."""
    declared_type(translation, node)
    translation.bind(node.child_by_field_name("name"), owner, scope)
    value = node.child_by_field_name("value")
    if value is not None:
        translation.follow([value], scope)


def declared_type(translation: Translation, node: Node) -> None:
    """The annotation of one variable goes, with the mark of a definite assignment."""
    for part in node.children:
        if part.type in {"!", "type_annotation"}:
            translation.erase(part)


def block(translation: Translation, node: Node, scope: Scope) -> None:
    """Whatever has names of its own: a block, a loop's head, the cases of a switch."""
    translation.descend(node, translation.inner(scope))


def static_block(translation: Translation, node: Node, scope: Scope) -> None:
    """``static {}`` in a class keeps its variables to itself."""
    for part in node.named_children:
        translation.descend(part, translation.inner(scope, is_function=True))


def for_in(translation: Translation, node: Node, scope: Scope) -> None:
    """``for (const x of y)`` declares names without a declarator."""
    inside = translation.inner(scope)
    kind = node.child_by_field_name("kind")
    left = node.child_by_field_name("left")
    if kind is None or left is None:
        translation.descend(node, inside)
        return
    translation.bind(left, inside.function() if kind.type == "var" else inside, inside)
    rest = [node.child_by_field_name(field) for field in ("value", "right", "body")]
    translation.follow([part for part in rest if part is not None], inside)


def catch(translation: Translation, node: Node, scope: Scope) -> None:
    """``catch (error: unknown)``."""
    inside = translation.inner(scope)
    annotation = node.child_by_field_name("type")
    if annotation is not None:
        translation.erase(annotation)
    translation.bind(node.child_by_field_name("parameter"), inside, inside)
    body = node.child_by_field_name("body")
    if body is not None:
        translation.follow([body], inside)
