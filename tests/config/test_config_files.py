"""The config file: where it is, what it sets, and every way in which it can be wrong."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.base.errors import ConfigError
from swell.config.files import default_config_path, file_layer, parse_config


def fault(text: str) -> tuple[str, str, str]:
    """The one fault of a file's text."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c.json")
    (found,) = caught.value.faults
    return found.place, found.message, found.hint


def test_the_default_file_is_in_the_config_directory() -> None:
    """XDG_CONFIG_HOME, or .config in the home directory."""
    assert default_config_path({"HOME": "/home/a"}) == Path("/home/a/.config/swell/config.json")
    assert default_config_path({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}) == Path("/x/swell/config.json")


def test_a_default_file_need_not_exist_and_a_named_one_must(tmp_path: Path) -> None:
    """No default file is an empty layer."""
    assert file_layer("", {"HOME": str(tmp_path)}).values == {}
    with pytest.raises(ConfigError, match=r"none\.json: does not exist"):
        file_layer("none.json", {}, tmp_path)


def test_a_file_is_a_layer(tmp_path: Path) -> None:
    """Its values, its name as it was given, its own directory for the files that it names."""
    (tmp_path / "c.json").write_text('\ufeff{"vus": 3}', encoding="utf-8")
    layer = file_layer("c.json", {}, tmp_path)
    assert (layer.kind, layer.name, layer.values, layer.directory) == ("file", "c.json", {"vus": 3}, tmp_path)
    default = tmp_path / ".config" / "swell" / "config.json"
    default.parent.mkdir(parents=True)
    default.write_text("{}")
    assert file_layer("", {"HOME": str(tmp_path)}).name == str(default)


@pytest.mark.parametrize("text", ["", " \n", "{}"])
def test_an_empty_file_sets_nothing(text: str) -> None:
    """Nor is it a fault."""
    assert parse_config(text, "c.json") == {}


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ('{\n  // vus\n  "vus": 3}', "c.json:2:3", "JSON has no comments"),
        ("{'vus': 3}", "c.json:1:2", 'JSON texts and keys stand in double quotes (")'),
        ('{"vus": 3', "c.json:1:10", ""),
        ('{"vus" 3}', "c.json:1:8", ""),
    ],
)
def test_a_syntax_error_has_line_column_and_the_usual_reason(text: str, place: str, hint: str) -> None:
    """The place of the slip, and what it probably is."""
    found = fault(text)
    assert (found[0], found[2]) == (place, hint)
    assert found[1].startswith("is not valid JSON: ")


@pytest.mark.parametrize("text", ['{"vus": 3,}', '{"stages": [1, ]}', '{"a": 1,, "b": 2}'])
def test_a_comma_too_many_is_named(text: str) -> None:
    """The commonest slip; Python versions differ in where they see it."""
    place, _, hint = fault(text)
    assert place.startswith("c.json:1:")
    assert hint == "JSON allows no comma after the last entry"


def test_what_is_no_object_is_refused() -> None:
    """A list, a number, and an abyss of brackets."""
    assert fault("[1]")[:2] == ("c.json", "must be a JSON object")
    assert fault('{"vus": 1, "vus": 2}')[:2] == ("c.json", "has the key 'vus' twice")
    assert fault("[" * 100_000)[:2] == ("c.json", "is nested too deeply")


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    """A directory, and bytes that are no text."""
    (tmp_path / "bytes").write_bytes(b"\xff\xff")
    for name, message in [(".", "cannot be read: Is a directory"), ("bytes", "is not UTF-8 text (byte 0)")]:
        with pytest.raises(ConfigError) as caught:
            file_layer(name, {}, tmp_path)
        assert caught.value.faults[0].message == message


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    """It is an object or a ConfigError."""
    try:
        good = isinstance(parse_config(text, "c.json"), dict)
    except ConfigError as error:
        good = bool(error.faults)
    assert good
