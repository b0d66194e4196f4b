"""ajv: what is valid by draft 7, and Ajv 6's errors for what is not."""

import json
from collections.abc import Callable
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

AJV = "import Ajv from 'https://jslib.k6.io/ajv/6.12.5/index.js';"
PERSON = {
    "$id": "person",
    "type": "object",
    "required": ["name", "age"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "next": {"$ref": "#"},
    },
    "additionalProperties": False,
}
TREE = {
    "definitions": {
        "node": {"type": "object", "properties": {"below": {"items": {"$ref": "#/definitions/node"}}}}
    },
    "$ref": "#/definitions/node",
}


def validate(run: RunSnippet, schema: Any, data: Any, options: str = "{}") -> Any:
    """[keyword, dataPath, schemaPath, message, params] of each error; empty where the data is valid."""
    body = f"""
        const check = new Ajv({options}).compile({json.dumps(schema)});
        const valid = check({json.dumps(data)});
        if (valid !== (check.errors === null)) return 'errors and result differ';
        return (check.errors ?? []).map((e) => [e.keyword, e.dataPath, e.schemaPath, e.message, e.params]);
    """
    return run(AJV, body)


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        (True, 1),
        ({}, None),
        (PERSON, {"name": "a", "age": 1, "tags": ["x", "y"], "next": {"name": "b", "age": 2}}),
        (TREE, {"below": [{"below": []}]}),
        ({"type": ["string", "null"]}, None),
        ({"type": "number"}, 1),
        ({"type": "integer"}, 2.0),
        ({"enum": [{"a": [1]}]}, {"a": [1]}),
        ({"multipleOf": 0.5}, 1.5),
        ({"maxLength": 1}, "\U0001f600"),
        ({"minimum": 5}, "no number"),
        ({"items": [{"type": "string"}], "additionalItems": {"type": "number"}}, ["a", 1]),
        ({"contains": {"const": 2}}, [1, 2]),
        ({"patternProperties": {"^x": {"type": "number"}}, "additionalProperties": False}, {"x1": 1}),
        ({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}, {"a": 1, "b": 2}),
        ({"oneOf": [{"type": "string"}, {"type": "number"}]}, 1),
        ({"not": {"type": "string"}}, 1),
        ({"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"minimum": 2}}, 3),
        ({"required": ["toString"]}, {"toString": 1}),
    ],
)
def test_valid(run: RunSnippet, schema: Any, data: Any) -> None:
    """The schema holds."""
    assert validate(run, schema, data) == []


@pytest.mark.parametrize(
    ("schema", "data", "error"),
    [
        (False, 1, ["false schema", "", "#/false schema", "boolean schema is false", {}]),
        ({"type": "string"}, 1, ["type", "", "#/type", "should be string", {"type": "string"}]),
        (
            {"type": ["string", "null"]},
            1,
            ["type", "", "#/type", "should be string,null", {"type": "string,null"}],
        ),
        (
            PERSON,
            {"name": "a"},
            ["required", "", "#/required", "should have required property 'age'", {"missingProperty": "age"}],
        ),
        (
            PERSON,
            {"name": "", "age": 1},
            [
                "minLength",
                ".name",
                "#/properties/name/minLength",
                "should NOT be shorter than 1 characters",
                {"limit": 1},
            ],
        ),
        (
            PERSON,
            {"name": "a", "age": -1},
            [
                "minimum",
                ".age",
                "#/properties/age/minimum",
                "should be >= 0",
                {"comparison": ">=", "limit": 0, "exclusive": False},
            ],
        ),
        (
            PERSON,
            {"name": "a", "age": 1, "tags": ["x", 5]},
            ["type", ".tags[1]", "#/properties/tags/items/type", "should be string", {"type": "string"}],
        ),
        (
            PERSON,
            {"name": "a", "age": 1, "tags": ["x", "x"]},
            [
                "uniqueItems",
                ".tags",
                "#/properties/tags/uniqueItems",
                "should NOT have duplicate items (items ## 0 and 1 are identical)",
                {"i": 1, "j": 0},
            ],
        ),
        (
            PERSON,
            {"name": "a", "age": 1, "o'h": 1},
            [
                "additionalProperties",
                "",
                "#/additionalProperties",
                "should NOT have additional properties",
                {"additionalProperty": "o'h"},
            ],
        ),
        (
            TREE,
            {"below": [{"below": [5]}]},
            [
                "type",
                ".below[0].below[0]",
                "#/definitions/node/type",
                "should be object",
                {"type": "object"},
            ],
        ),
        (
            {"enum": [1, 2]},
            3,
            [
                "enum",
                "",
                "#/enum",
                "should be equal to one of the allowed values",
                {"allowedValues": [1, 2]},
            ],
        ),
        (
            {"const": {"a": 1}},
            1,
            ["const", "", "#/const", "should be equal to constant", {"allowedValue": {"a": 1}}],
        ),
        (
            {"exclusiveMaximum": 5},
            5,
            [
                "exclusiveMaximum",
                "",
                "#/exclusiveMaximum",
                "should be < 5",
                {"comparison": "<", "limit": 5, "exclusive": True},
            ],
        ),
        (
            {"multipleOf": 2},
            3,
            ["multipleOf", "", "#/multipleOf", "should be multiple of 2", {"multipleOf": 2}],
        ),
        (
            {"pattern": "^a+$"},
            "b",
            ["pattern", "", "#/pattern", 'should match pattern "^a+$"', {"pattern": "^a+$"}],
        ),
        (
            {"maxItems": 1},
            [1, 2],
            ["maxItems", "", "#/maxItems", "should NOT have more than 1 items", {"limit": 1}],
        ),
        (
            {"minProperties": 1},
            {},
            ["minProperties", "", "#/minProperties", "should NOT have fewer than 1 properties", {"limit": 1}],
        ),
        (
            {"items": [{}], "additionalItems": False},
            [1, 2],
            ["additionalItems", "", "#/additionalItems", "should NOT have more than 1 items", {"limit": 1}],
        ),
        ({"contains": {"const": 2}}, [1], ["contains", "", "#/contains", "should contain a valid item", {}]),
        ({"not": {}}, 1, ["not", "", "#/not", "should NOT be valid", {}]),
        (
            {"oneOf": [{}, {}]},
            1,
            ["oneOf", "", "#/oneOf", "should match exactly one schema in oneOf", {"passingSchemas": [0, 1]}],
        ),
        (
            {"dependencies": {"a": ["b"]}},
            {"a": 1},
            [
                "dependencies",
                "",
                "#/dependencies",
                "should have property b when property a is present",
                {"property": "a", "missingProperty": ".b", "depsCount": 1, "deps": "b"},
            ],
        ),
    ],
)
def test_errors(run: RunSnippet, schema: Any, data: Any, error: list[Any]) -> None:
    """The first error, with its places and words."""
    assert validate(run, schema, data) == [error]


@pytest.mark.parametrize(
    ("schema", "data", "found"),
    [
        ({"anyOf": [{"type": "string"}, {"minimum": 5}]}, 1, [["type", ""], ["minimum", ""], ["anyOf", ""]]),
        ({"oneOf": [{"type": "string"}]}, 1, [["type", ""], ["oneOf", ""]]),
        (
            {"if": {"type": "number"}, "then": {"minimum": 5}},
            1,
            [["minimum", ""]],
        ),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, [["maxLength", ""], ["propertyNames", ""]]),
        ({"allOf": [{"properties": {"a": {"type": "string"}}}]}, {"a": 1}, [["type", ".a"]]),
        (PERSON, {"age": "x", "tags": [1]}, [["required", ""]]),
        ({"properties": {"a b": {"type": "string"}}}, {"a b": 1}, [["type", "['a b']"]]),
    ],
)
def test_errors_of_several_parts(run: RunSnippet, schema: Any, data: Any, found: list[Any]) -> None:
    """Those of the parts come before that of the whole."""
    assert [error[:2] for error in validate(run, schema, data)] == found


def test_all_errors(run: RunSnippet) -> None:
    """With allErrors nothing is left out."""
    found = validate(run, PERSON, {"age": "x", "tags": [1, 2], "z": 1}, "{ allErrors: true }")
    assert sorted(error[:2] for error in found) == [
        ["additionalProperties", ""],
        ["required", ""],
        ["type", ".age"],
        ["type", ".tags[0]"],
        ["type", ".tags[1]"],
    ]


@pytest.mark.parametrize(
    ("name", "valid", "invalid"),
    [
        ("date", ["2024-02-29"], ["2023-02-29", "2024-13-01", "x"]),
        ("time", ["10:20:30Z", "23:59:60"], ["24:00:00"]),
        (
            "date-time",
            ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05.6+01:00"],
            ["2024-01-02T03:04:05", "2024-01-02"],
        ),
        ("email", ["a@b.example"], ["a", "@b", "a@b..c"]),
        ("hostname", ["a.example"], ["-a", "a_b"]),
        ("ipv4", ["1.2.3.4"], ["1.2.3", "256.1.1.1"]),
        ("ipv6", ["::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"], ["1::2::3", ":::", "12345::", "1:2:3"]),
        ("uri", ["https://a/b?c#d", "urn:x"], ["a/b", "http://a b"]),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567"]),
        ("regex", ["^a"], ["["]),
        ("json-pointer", ["", "/a~1b"], ["a"]),
    ],
)
def test_formats(run: RunSnippet, name: str, valid: list[str], invalid: list[str]) -> None:
    """A text is in a format or not; what is no text is none of its business."""
    for text in valid:
        assert validate(run, {"format": name}, text) == [], text
    for text in invalid:
        told = validate(run, {"format": name}, text)
        assert told == [["format", "", "#/format", f'should match format "{name}"', {"format": name}]], text
    assert validate(run, {"format": name}, 5) == []


def test_schemas_by_key(run: RunSnippet) -> None:
    """Schemas refer to others that were added; validate() takes a key; errorsText() tells all in one line."""
    body = f"""
        const ajv = new Ajv({{ schemas: [{json.dumps(PERSON)}] }});
        ajv.addSchema({{ type: 'array', items: {{ $ref: 'person' }} }}, 'people');
        const told = [ajv.validate('people', [{{ name: 'a', age: 1 }}]), ajv.errors, ajv.errorsText()];
        told.push(ajv.validate('people', [{{ name: 5, age: 1 }}]), ajv.errorsText(), ajv.errorsText(ajv.errors, {{ dataVar: 'x' }}));
        told.push(ajv.validate({{ $ref: 'person#/properties/age' }}, 'x'), ajv.getSchema('none') === undefined);
        return told;
    """
    assert run(AJV, body) == [
        True,
        None,
        "No errors",
        False,
        "data[0].name should be string",
        "x[0].name should be string",
        False,
        True,
    ]


def test_options(run: RunSnippet) -> None:
    """Defaults are put into the data, formats can be added, and unknown ones be passed over."""
    body = """
        const data = { b: 1 };
        const schema = { properties: { a: { default: { x: [] } }, b: { default: 2 } } };
        new Ajv({ useDefaults: true }).validate(schema, data);
        const ajv = new Ajv({ unknownFormats: 'ignore' }).addFormat('even', (text) => text.length % 2 === 0);
        const told = [data, ajv.validate({ format: 'even' }, 'abc'), ajv.validate({ format: 'odd' }, 'abc')];
        for (const ask of [
            () => new Ajv().validate({ format: 'odd' }, 'x'), () => new Ajv().compile({ type: 'text' }),
            () => new Ajv().compile(5), () => new Ajv().validate({ $ref: '#/none' }, 1), () => new Ajv().validate('none', 1),
            () => new Ajv().addKeyword('x', {}),
        ]) try { ask(); told.push('nothing'); } catch (e) { told.push(e.message); }
        return told;
    """
    assert run(AJV, body) == [
        {"a": {"x": []}, "b": 1},
        False,
        True,
        'unknown format "odd" is used in schema at path "#"',
        "schema is invalid: data.type should be equal to one of the allowed values",
        "schema should be object or boolean",
        "can't resolve reference #/none from id #",
        'no schema with key or ref "none"',
        'Ajv: the keyword "x" cannot be added here',
    ]


LIMITED = {"properties": {"low": {"maximum": {"$data": "1/high"}}, "high": {}}}
NAMED = {"additionalProperties": {"type": "string", "format": {"$data": "0#"}}}
AT_ROOT = {"properties": {"in": {"properties": {"v": {"enum": {"$data": "/list"}}}}}}
REQUIRED = {"properties": {"of": {"required": {"$data": "1/keys"}}}}


@pytest.mark.parametrize(
    ("schema", "data", "found"),
    [
        (LIMITED, {"low": 1, "high": 2}, []),
        (LIMITED, {"low": 3, "high": 2}, [["maximum", ".low", "should be <= 2"]]),
        (LIMITED, {"low": 3}, []),
        (LIMITED, {"low": 3, "high": "x"}, [["maximum", ".low", "should be <= x"]]),
        (NAMED, {"email": "a@b.co"}, []),
        (NAMED, {"email": "nobody"}, [["format", "['email']", 'should match format "email"']]),
        (AT_ROOT, {"in": {"v": 1}, "list": [1]}, []),
        (
            AT_ROOT,
            {"in": {"v": 1}, "list": [2]},
            [["enum", ".in.v", "should be equal to one of the allowed values"]],
        ),
        (REQUIRED, {"of": {}, "keys": ["a"]}, [["required", ".of", "should have required property '.a'"]]),
    ],
)
def test_keywords_that_take_their_value_from_the_data(
    run: RunSnippet, schema: Any, data: Any, found: list[list[str]]
) -> None:
    """With the option `$data`: by relative and absolute pointers, and by the key; what is not there limits nothing."""
    errors = validate(run, schema, data, "{ $data: true }")
    assert [[keyword, path, message] for keyword, path, _, message, _ in errors] == found


@pytest.mark.parametrize(
    ("types", "given", "coerced"),
    [
        ("integer", "5", 5),
        ("number", True, 1),
        ("number", None, 0),
        ("boolean", "true", True),
        ("boolean", 0, False),
        ("string", 7, "7"),
        ("null", "", None),
        (["boolean", "number"], "2", 2),
        ("integer", "5.5", "refused"),
        ("integer", "", "refused"),
        ("array", "x", "refused"),
    ],
)
def test_coerced_types(run: RunSnippet, types: Any, given: Any, coerced: Any) -> None:
    """With the option coerceTypes a value becomes one of the type that is asked for, in the data itself."""
    body = f"""
        const data = {{ v: {json.dumps(given)} }};
        const valid = new Ajv({{ coerceTypes: true }}).validate({{ properties: {{ v: {{ type: {json.dumps(types)} }} }} }}, data);
        return valid ? data.v : 'refused';
    """
    assert run(AJV, body) == coerced


def test_what_has_no_schema_can_be_taken_away(run: RunSnippet) -> None:
    """With the option removeAdditional it goes from the data in place of an error; nullable is an option, too."""
    body = """
        const data = { a: 1, b: 2 };
        const valid = new Ajv({ removeAdditional: true }).validate({ properties: { a: {} }, additionalProperties: false }, data);
        const schema = { type: 'string', nullable: true };
        return [valid, data, new Ajv({ nullable: true }).validate(schema, null), new Ajv().validate(schema, null)];
    """
    assert run(AJV, body) == [True, {"a": 1}, True, False]
