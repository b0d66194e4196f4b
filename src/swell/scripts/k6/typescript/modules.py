"""Imports and exports: what is only a type goes, and an import goes when nothing at run time uses it.

The rule is esbuild's without ``verbatimModuleSyntax``: an import that names something, none of which is used
as a value, goes with its side effects; ``import 'x'`` stays. A use is any mention in an expression or in an
export list, whether it is ever reached or not.
"""

from tree_sitter import Node

from swell.scripts.k6.typescript import objects
from swell.scripts.k6.typescript.context import Translation, child
from swell.scripts.k6.typescript.scopes import Scope, resolve

_DECLARED_TYPES = {
    "interface_declaration",
    "type_alias_declaration",
    "ambient_declaration",
    "function_signature",
}
_NO_DEFAULT = {"enum_declaration", "internal_module", "module", "lexical_declaration", "variable_declaration"}


# --- While walking ------------------------------------------------------------------------------------


def type_declaration(translation: Translation, node: Node, scope: Scope) -> None:
    """``interface`` and ``type``."""
    name = child(node, "name")
    if translation.breaks(node.start_byte, name.start_byte):
        raise translation.refuse(node, "syntax error: the name must stand on the line of its keyword")
    if scope is translation.module:
        translation.type_names.add(translation.text(name))
    translation.remove_statement(node)


def ambient(translation: Translation, node: Node, _scope: Scope) -> None:
    """``declare ...``."""
    following = node.children[1]
    if translation.breaks(node.start_byte, following.start_byte):
        raise translation.refuse(node, "syntax error: 'declare' must stand on the line of its declaration")
    translation.remove_statement(node)


def import_(translation: Translation, node: Node, scope: Scope) -> None:
    """``import ... from``, and ``import x = require()``; decided when all uses are known."""
    if scope is not translation.module:
        raise translation.refuse(node, "syntax error: an import must stand at the top level")
    kinds = {part.type for part in node.children}
    if "type" in kinds or "typeof" in kinds:
        translation.remove_statement(node)
    elif "import_require_clause" in kinds:
        clause = next(part for part in node.children if part.type == "import_require_clause")
        translation.edits.put(node.start_byte, node.start_byte + len("import"), "const ")
        scope.declare(translation.text(clause.named_children[0]))
    else:
        translation.import_statements.append(node)
        for name, _ in _bindings(node):
            scope.declare(translation.text(name), "import")


def import_alias(translation: Translation, node: Node, scope: Scope) -> None:
    """``import x = a.b``: a constant, where it is used."""
    name = _alias_name(node)
    scope.declare(translation.text(name), "import")
    translation.alias_statements.append((node, scope))


def _alias_name(node: Node) -> Node:
    return next(part for part in node.named_children if part.type == "identifier")


def export(translation: Translation, node: Node, scope: Scope) -> None:
    """Every form of ``export``."""
    kinds = [part.type for part in node.children]
    declared, value = node.child_by_field_name("declaration"), node.child_by_field_name("value")
    clause = next((part for part in node.children if part.type == "export_clause"), None)
    if "decorator" in kinds:
        raise translation.refuse(node, "decorators are not supported")
    if "namespace" in kinds or ("type" in kinds and clause is not None):
        translation.remove_statement(node)
    elif "=" in kinds:
        equals = node.children[kinds.index("=")]
        translation.edits.put(node.start_byte, equals.start_byte, "module.exports ")
        translation.descend(node, scope)
    elif declared is not None:
        if "default" in kinds and declared.type in _NO_DEFAULT:
            raise translation.refuse(declared, "syntax error: a default export must be a value")
        _export_declaration(translation, node, declared, scope)
    elif scope.own is not None:
        raise translation.refuse(node, "syntax error: a namespace exports declarations only")
    elif value is not None:
        if value.type == "identifier":
            translation.default_names.append((node, translation.text(value)))
        translation.follow([value], scope)
    elif clause is not None:
        translation.export_clauses.append(node)


def _export_declaration(translation: Translation, node: Node, declared: Node, scope: Scope) -> None:
    match declared.type:
        case kind if kind in _DECLARED_TYPES:
            _export_type(translation, node, declared, scope)
        case "enum_declaration":
            objects.enum(translation, declared, scope, node)
        case "internal_module" | "module":
            objects.namespace(translation, declared, scope, node)
        case "import_alias":
            _export_alias(translation, node, declared, scope)
        case "lexical_declaration" | "variable_declaration" if scope.own is not None:
            objects.export_variables(translation, node, declared, scope)
        case _ if scope.own is not None:
            objects.export_binding(translation, node, declared, scope)
        case _:
            translation.follow([declared], scope)


def _export_type(translation: Translation, node: Node, declared: Node, scope: Scope) -> None:
    name = declared.child_by_field_name("name")
    if name is not None and declared.type in {"interface_declaration", "type_alias_declaration"}:
        translation.type_names.add(translation.text(name))
    translation.remove_statement(node)
    # `export declare const x` in a namespace: nothing is made, but x is read from the object.
    for inner in declared.named_children if scope.own is not None else ():
        for declarator in inner.named_children:
            name = declarator.child_by_field_name("name")
            if declarator.type == "variable_declarator" and name is not None:
                scope.export(translation.text(name))


def _export_alias(translation: Translation, node: Node, declared: Node, scope: Scope) -> None:
    name = _alias_name(declared)
    end = name.start_byte
    if scope.own is None:
        scope.declare(translation.text(name))
        translation.edits.put(declared.start_byte, declared.start_byte + len("import"), "const ")
    else:
        scope.export(translation.text(name))
        scope.qualified.add(translation.text(name))
        translation.edits.blank(node.start_byte, end)
        translation.refer(name, scope)
    translation.refer(_root(declared.named_children[-1]), scope)


def _root(node: Node) -> Node:
    """The first name of ``a.b.c``."""
    while node.type != "identifier":
        node = node.named_children[0]
    return node


def _bindings(node: Node) -> list[tuple[Node, Node]]:
    """Each name that an import brings as a value, with the part of the clause that brings it."""
    clause = next((part for part in node.named_children if part.type == "import_clause"), None)
    found: list[tuple[Node, Node]] = []
    for part in clause.named_children if clause is not None else ():
        match part.type:
            case "identifier":
                found.append((part, part))
            case "namespace_import":
                found.append((part.named_children[-1], part))
            case "named_imports":
                found += [(_local(spec), spec) for spec in _specifiers(part) if not _is_type(spec)]
    return found


def _specifiers(node: Node) -> list[Node]:
    return [part for part in node.named_children if part.type in {"import_specifier", "export_specifier"}]


def _local(specifier: Node) -> Node:
    return specifier.child_by_field_name("alias") or child(specifier, "name")


def _is_type(specifier: Node) -> bool:
    return (
        len(specifier.children) > 1
        and specifier.children[0].type in {"type", "typeof"}
        and (specifier.children[0] != specifier.child_by_field_name("name"))
    )


# --- When all uses are known --------------------------------------------------------------------------


def finish(translation: Translation) -> None:
    """Write export lists, aliases and imports by what is used."""
    used = _used_imports(translation)
    for node in translation.export_clauses:
        _write_export_clause(translation, node, used)
    _write_aliases(translation, used)
    for node in translation.import_statements:
        _write_import(translation, node, used)
    for node, name in translation.default_names:
        if name in translation.type_names and name not in translation.module.names:
            translation.remove_statement(node)


def _used_imports(translation: Translation) -> set[tuple[Scope, str]]:
    """The imports and aliases that an expression mentions, by scope and name."""
    names = {name for scope in translation.scopes for name, kind in scope.names.items() if kind == "import"}
    used: set[tuple[Scope, str]] = set()
    for reference in translation.references:
        if reference.name in names:
            found = resolve(reference.name, reference.scope)
            if found is not None and not found.through_object:
                used.add((found.scope, reference.name))
    return used


def _write_export_clause(translation: Translation, node: Node, used: set[tuple[Scope, str]]) -> None:
    clause = next(part for part in node.children if part.type == "export_clause")
    local = node.child_by_field_name("source") is None
    if not local and _specifiers(clause) and all(map(_is_type, _specifiers(clause))):
        translation.remove_statement(node)
        return
    for specifier in _specifiers(clause):
        name = child(specifier, "name")
        text = translation.text(name)
        if _is_type(specifier) or (local and text not in translation.module.names):
            _blank_item(translation, specifier)
        elif local:
            used.add((translation.module, text))


def _write_aliases(translation: Translation, used: set[tuple[Scope, str]]) -> None:
    """Aliases may use aliases before them: the last is decided first."""
    for node, scope in reversed(translation.alias_statements):
        name = translation.text(_alias_name(node))
        if (scope, name) not in used:
            translation.remove_statement(node)
            continue
        translation.edits.put(node.start_byte, node.start_byte + len("import"), "const ")
        root = _root(node.named_children[-1])
        translation.refer(root, scope)
        found = resolve(translation.text(root), scope)
        if found is not None:
            used.add((found.scope, translation.text(root)))


def _write_import(translation: Translation, node: Node, used: set[tuple[Scope, str]]) -> None:
    clause = next((part for part in node.named_children if part.type == "import_clause"), None)
    if clause is None:
        return
    module = translation.module
    if not any(part.named_children or part.type == "identifier" for part in clause.named_children):
        # `import {} from 'x'` asks for nothing but what the module does.
        return
    kept = [
        part
        for name, part in _bindings(node)
        if module.names.get(text := translation.text(name)) == "import" and (module, text) in used
    ]
    if not kept:
        translation.remove_statement(node)
        return
    parts = clause.named_children
    default = next((part for part in parts if part.type == "identifier"), None)
    rest = next((part for part in parts if part.type in {"namespace_import", "named_imports"}), None)
    keeps_rest = rest is not None and any(part != default for part in kept)
    if rest is not None and not keeps_rest and default is not None:
        translation.edits.blank(default.end_byte, rest.end_byte)
    elif rest is not None and rest.type == "named_imports":
        for specifier in _specifiers(rest):
            if specifier not in kept:
                _blank_item(translation, specifier)
    if default is not None and rest is not None and default not in kept:
        translation.edits.blank(default.start_byte, rest.start_byte)


def _blank_item(translation: Translation, node: Node) -> None:
    """Take an item out of a list in braces, with the comma after it."""
    comma = node.next_sibling
    while comma is not None and comma.type == "comment":
        comma = comma.next_sibling
    end = comma.end_byte if comma is not None and comma.type == "," else node.end_byte
    translation.edits.blank(node.start_byte, end)
