"""Enums and namespaces: each is an object, made where it stands and filled by a function over it.

``enum E { A }`` becomes ``var E = {}; ((E) => { E[E["A"] = 0] = "A"; })(E);`` on the lines where it stood.
What a namespace exports becomes a property, also where its own code reads it. Blocks of one name share the
object.
"""

import json
import re
from dataclasses import dataclass, field

from tree_sitter import Node

from swell.scripts.k6.typescript import erasure
from swell.scripts.k6.typescript.context import Block, Part, Translation, child
from swell.scripts.k6.typescript.parsing import skip_blanks
from swell.scripts.k6.typescript.scopes import Members, Scope, resolve
from swell.scripts.k6.typescript.values import Known, Value, evaluate, is_string, written

# What follows the name of an enum that is asked for a member.
_MEMBER = re.compile(rb"""\s*(?:\.\s*(?P<name>[A-Za-z_$][\w$]*)|\[\s*(["'])(?P<key>[^"'\\\n]*)\2\s*\])""")
_TYPES_ONLY = {
    "interface_declaration",
    "type_alias_declaration",
    "ambient_declaration",
    "function_signature",
    "import_alias",
    "comment",
    "empty_statement",
}


# --- While walking ------------------------------------------------------------------------------------


def enum(translation: Translation, node: Node, scope: Scope, export: Node | None = None) -> None:
    """``enum`` and ``const enum``."""
    name, body = child(node, "name"), child(node, "body")
    part = _declare(translation, translation.text(name), scope, exported=export is not None)
    translation.blocks.append(Block((export or node).start_byte, (part,), body))
    for member in body.named_children:
        if member.type == "comment":
            continue
        key = child(member, "name") if member.type == "enum_assignment" else member
        if key.type not in {"property_identifier", "string"}:
            raise translation.refuse(key, "an enum member must be a name or a string")
        part.members.names.add(_key(translation, key))
        value = member.child_by_field_name("value") if member is not key else None
        translation.follow([value] if value is not None else [], part.inside)


def namespace(translation: Translation, node: Node, scope: Scope, export: Node | None = None) -> None:
    """``namespace N {}`` and ``module N {}``; one with nothing but types is a type."""
    name, body = child(node, "name"), node.child_by_field_name("body")
    if name.type == "string" or body is None:
        raise translation.refuse(node, "syntax error: this needs 'declare'")
    if translation.breaks(node.start_byte, name.start_byte):
        raise translation.refuse(node, "syntax error: the name must stand on the line of its keyword")
    if not _has_values(node):
        translation.remove_statement(export or node)
        return
    parts: list[Part] = []
    for word in translation.text(name).split("."):
        exported = bool(parts) or export is not None
        parts.append(_declare(translation, word.strip(), scope, exported=exported))
        scope = parts[-1].inside
    scope.is_function = True
    translation.blocks.append(Block((export or node).start_byte, tuple(parts), body))
    translation.descend(body, scope)


def _has_values(node: Node) -> bool:
    body = node.child_by_field_name("body")
    for item in body.named_children if body is not None else ():
        statement = item
        if item.type == "export_statement":
            declared = item.child_by_field_name("declaration")
            if declared is not None and (declared.type == "import_alias" or _is_ambient_variable(declared)):
                return True
            statement = declared if declared is not None else item
        elif item.type == "expression_statement":
            statement = item.named_children[0]
        if statement.type in {"internal_module", "module"}:
            if _has_values(statement):
                return True
        elif statement.type not in _TYPES_ONLY:
            return True
    return False


def _is_ambient_variable(node: Node) -> bool:
    kinds = {part.type for part in node.named_children}
    return node.type == "ambient_declaration" and bool(
        kinds & {"lexical_declaration", "variable_declaration"}
    )


def _declare(translation: Translation, name: str, scope: Scope, *, exported: bool) -> Part:
    """Enter the name in its scope; blocks of the same name share one record."""
    members = scope.members.get(name)
    if members is None:
        shared = scope.own.nested if scope.own is not None and exported else scope.members
        members = shared.setdefault(name, Members(name))
        scope.members[name] = members
    if exported:
        members.exported = True
        if scope.own is not None:
            scope.own.names.add(name)
    scope.declare(name, "object")
    inside = translation.inner(scope)
    inside.own = members
    return Part(members, scope, inside, exported)


def export_variables(translation: Translation, export: Node, node: Node, scope: Scope) -> None:
    """``export const x = 1`` in a namespace is an assignment to the object's property."""
    declarators = [part for part in node.named_children if part.type == "variable_declarator"]
    patterns = any(child(declarator, "name").type != "identifier" for declarator in declarators)
    for declarator in declarators:
        name, value = child(declarator, "name"), declarator.child_by_field_name("value")
        erasure.declared_type(translation, declarator)
        translation.bind(name, scope, scope, lambda node: _export_name(translation, node, scope))
        if value is not None:
            translation.follow([value], scope)
    first = declarators[0].start_byte
    translation.edits.blank(export.start_byte, first, first=";(" if patterns else "")
    end = declarators[-1].end_byte
    closed = translation.data[skip_blanks(translation.data, end) :].startswith(b";")
    text = (")" if patterns else "") + ("" if closed else ";")
    if text:
        translation.edits.put(end, end, text)


def _export_name(translation: Translation, node: Node, scope: Scope) -> None:
    scope.export(translation.text(node))
    scope.qualified.add(translation.text(node))
    declarator = node.parent
    bare = declarator is not None and declarator.type == "variable_declarator"
    if bare and declarator is not None and declarator.child_by_field_name("value") is None:
        translation.edits.blank(node.start_byte, node.end_byte, first="0")
    else:
        short = node.type == "shorthand_property_identifier_pattern"
        translation.refer(node, scope, "shorthand" if short else "plain")


def export_binding(translation: Translation, export: Node, node: Node, scope: Scope) -> None:
    """``export function f`` or ``export class C`` in a namespace: the object gets it, too."""
    name = child(node, "name")
    scope.export(translation.text(name))
    translation.edits.blank(export.start_byte, node.start_byte)
    translation.assigned.append((node.end_byte, translation.text(name), scope))
    translation.follow([node], scope)


# --- When all names are known -------------------------------------------------------------------------


@dataclass(slots=True)
class Objects:
    """Writes every enum and namespace of a file, and what refers to their members."""

    translation: Translation
    values: dict[Members, dict[str, Value]] = field(default_factory=dict)

    def write(self) -> None:
        """The blocks, the assignments after exported functions and classes, and the references."""
        translation = self.translation
        for block in translation.blocks:
            for part in block.parts:
                part.inside.parameter = self._parameter(part)
        for block in sorted(translation.blocks, key=lambda block: block.start):
            self._write_block(block)
        for end, name, scope in translation.assigned:
            translation.edits.put(end, end, f" {scope.parameter}.{name} = {name};")
        self._write_references()
        self._write_early()

    def _parameter(self, part: Part) -> str:
        """What the function calls the object: its name, unless something inside has that name."""
        name = part.members.name
        if any(
            name in scope.names or name in scope.qualified
            for scope in self.translation.scopes
            if part.inside in scope.outward()
        ):
            number = 1
            while f"{name}_{number}".encode() in self.translation.data:
                number += 1
            return f"{name}_{number}"
        return name

    def _write_block(self, block: Block) -> None:
        edits = self.translation.edits
        opening = "".join(self._open(part) for part in block.parts)
        until = block.body.start_byte + 1
        width = len(self.translation.data[block.start : until].decode("utf-8", "surrogatepass"))
        lines = self.translation.data.count(b"\n", block.start, until)
        edits.put(block.start, until, opening.rjust(width if not lines else 0) + "\n" * lines)
        if block.body.type == "enum_body":
            self._write_members(block.parts[0], block.body)
        closing = "".join(f"}})({part.members.name});" for part in reversed(block.parts))
        edits.put(block.body.end_byte - 1, block.body.end_byte, closing)

    def _open(self, part: Part) -> str:
        name, outside = part.members.name, part.outside
        function = f"(({part.inside.parameter}) => {{"
        if name in outside.opened or outside.names.get(name) in {"class", "function"}:
            return f";{function}"
        outside.opened.add(name)
        if outside.parent is None:
            return f"{'export ' if part.members.exported else ''}var {name} = {{}}; {function}"
        if outside.own is not None and part.exported:
            owner = outside.parameter
            return f"let {name} = {owner}.{name} || ({owner}.{name} = {{}}); {function}"
        return f"let {name} = {{}}; {function}"

    def _write_members(self, part: Part, body: Node) -> None:
        edits = self.translation.edits
        known = Known(
            lambda name: self.values.get(part.members, {}).get(name),
            lambda owner, name: self._value_in(part.inside, owner, name),
        )
        values = self.values.setdefault(part.members, {})
        following: Value = 0.0
        owner = part.inside.parameter
        for member in body.children:
            if member.type == ",":
                edits.blank(member.start_byte, member.end_byte)
            if member.type not in {"property_identifier", "string", "enum_assignment"}:
                continue
            value = member.child_by_field_name("value") if member.type == "enum_assignment" else None
            key = child(member, "name") if member.type == "enum_assignment" else member
            name = _key(self.translation, key)
            quoted = self.translation.text(key) if key.type == "string" else f'"{name}"'
            place = (key.start_byte, key.end_byte)
            if value is None:
                number = written(following) if isinstance(following, float) else "void 0"
                edits.put(*place, f"{owner}[{owner}[{quoted}] = {number}] = {quoted};")
                values[name] = following
            elif is_string(value, known):
                edits.put(*place, f"{owner}[{quoted}]")
                edits.put(value.end_byte, value.end_byte, ";")
                values[name] = text if isinstance(text := evaluate(value, known), str) else ""
            else:
                edits.put(*place, f"{owner}[{owner}[{quoted}]")
                edits.put(value.end_byte, value.end_byte, f"] = {quoted};")
                values[name] = evaluate(value, known)
            last = values[name]
            following = last + 1 if isinstance(last, float) else None

    def _value_in(self, scope: Scope, owner: str, name: str) -> Value:
        for around in scope.outward():
            if owner in around.members:
                return self.values.get(around.members[owner], {}).get(name)
            if owner in around.names:
                return None
        return None

    def _write_references(self) -> None:
        translation = self.translation
        names = {name for scope in translation.scopes if scope.own is not None for name in scope.own.names}
        for reference in translation.references:
            found = resolve(reference.name, reference.scope) if reference.name in names else None
            if found is None or not found.through_object:
                continue
            text = f"{found.scope.parameter}.{reference.name}"
            if reference.shape == "shorthand":
                text = f"{reference.name}: {text}"
            translation.edits.put(reference.start, reference.end, text)
            if reference.shape == "call" and reference.arguments is not None:
                self._call_without_this(reference.arguments)

    def _write_early(self) -> None:
        """Members whose enum stands further down are written as their values, as esbuild does."""
        translation = self.translation
        starts: dict[Members, int] = {}
        for block in translation.blocks:
            if block.body.type == "enum_body":
                members = block.parts[-1].members
                starts[members] = min(block.start, starts.get(members, block.start))
        names = {members.name for members in starts}
        for reference in translation.references:
            found = resolve(reference.name, reference.scope) if reference.name in names else None
            enum_asked = found.scope.members.get(reference.name) if found is not None else None
            if found is None or enum_asked is None or found.through_object:
                continue
            asked = _MEMBER.match(translation.data, reference.end)
            if asked is None or reference.start > starts.get(enum_asked, 0):
                continue
            key = (asked["name"] if asked["name"] is not None else asked["key"]).decode(
                "utf-8", "surrogatepass"
            )
            value = self.values.get(enum_asked, {}).get(key)
            # An empty text stands for one that is not known, too.
            if isinstance(value, float):
                translation.edits.put(reference.start, asked.end(), f"({written(value)})")
            elif value:
                translation.edits.put(reference.start, asked.end(), json.dumps(value, ensure_ascii=False))

    def _call_without_this(self, arguments: Node) -> None:
        """``f(x)`` became ``N.f(x)``, which would set ``this``."""
        edits = self.translation.edits
        before = arguments.prev_sibling
        optional = before is not None and before.type in {"optional_chain", "?."}
        some = any(part.type != "comment" for part in arguments.named_children)
        start = arguments.start_byte
        edits.put(start, start + 1, f"{'' if optional else '.'}call(void 0{', ' if some else ''}")


def _key(translation: Translation, node: Node) -> str:
    text = translation.text(node)
    return text[1:-1] if node.type == "string" else text
