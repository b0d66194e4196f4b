"""The translation itself: which node is handled where, and the order of the work."""

from tree_sitter import Node

from swell.scripts.k6.typescript import classes, erasure, modules, objects
from swell.scripts.k6.typescript.context import Handler, Translation
from swell.scripts.k6.typescript.parsing import parse
from swell.scripts.k6.typescript.scopes import Scope

_BOM = "\ufeff"


_STATEMENTS = {"program", "statement_block", "expression_statement", "class_static_block"}


def _namespace(translation: Translation, node: Node, scope: Scope) -> None:
    """The grammar takes a namespace for an expression, too."""
    if node.parent is None or node.parent.type not in _STATEMENTS:
        raise translation.refuse(node, "syntax error: a namespace is no value")
    objects.namespace(translation, node, scope)


HANDLERS: dict[str, Handler] = {
    # Types, wherever they stand.
    **dict.fromkeys(("type_arguments", "type_parameters", "type_annotation"), Translation.erase),
    **dict.fromkeys(
        ("asserts_annotation", "type_predicate_annotation", "implements_clause"), Translation.erase
    ),
    **dict.fromkeys(("interface_declaration", "type_alias_declaration"), modules.type_declaration),
    "ambient_declaration": modules.ambient,
    **dict.fromkeys(("function_signature", "method_signature"), Translation.remove_statement),
    **dict.fromkeys(("abstract_method_signature", "index_signature"), Translation.remove_statement),
    # Expressions.
    **dict.fromkeys(("as_expression", "satisfies_expression"), erasure.as_expression),
    "type_assertion": erasure.type_assertion,
    "non_null_expression": erasure.non_null,
    "instantiation_expression": erasure.instantiation,
    "call_expression": erasure.call,
    "binary_expression": erasure.binary,
    "parenthesized_expression": erasure.parenthesized,
    "assignment_expression": erasure.assignment,
    "identifier": erasure.identifier,
    "shorthand_property_identifier": erasure.shorthand,
    "shorthand_property_identifier_pattern": erasure.shorthand,
    "decorator": erasure.decorator,
    # Functions, declarations, blocks.
    **dict.fromkeys(("function_declaration", "generator_function_declaration"), erasure.function),
    **dict.fromkeys(("function_expression", "generator_function"), erasure.function),
    "arrow_function": erasure.arrow,
    **dict.fromkeys(("lexical_declaration", "variable_declaration"), erasure.variables),
    **dict.fromkeys(("statement_block", "for_statement", "switch_body"), erasure.block),
    "class_static_block": erasure.static_block,
    "for_in_statement": erasure.for_in,
    "catch_clause": erasure.catch,
    # Classes.
    **dict.fromkeys(("class_declaration", "abstract_class_declaration", "class"), classes.class_),
    "public_field_definition": classes.field,
    "method_definition": classes.method,
    # Objects and modules.
    "enum_declaration": objects.enum,
    "module": _namespace,
    "internal_module": _namespace,
    "import_statement": modules.import_,
    "import_alias": modules.import_alias,
    "export_statement": modules.export,
}


def translate(source: str, filename: str) -> str:
    """ECMAScript for the TypeScript ``source``; ``filename`` is named in errors.

    Lines are kept, and columns wherever only types go. Raises ``TypeScriptError`` at the first thing that
    cannot be translated. What a script means stays unchecked, as in k6.
    """
    mark = _BOM if source.startswith(_BOM) else ""
    data = source[len(mark) :].encode("utf-8", "surrogatepass")
    translation = Translation(data, filename)
    root, changes = parse(data, filename)
    translation.walk(root, HANDLERS)
    modules.finish(translation)
    objects.Objects(translation).write()
    for start, end, text in changes:
        translation.edits.fill(start, end, text)
    return mark + translation.edits.result()
