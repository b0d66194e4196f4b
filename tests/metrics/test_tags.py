"""Interned tag sets and numbered series."""

from hypothesis import given
from hypothesis import strategies as st

from swell.metrics.tags import OVERFLOW, TagRegistry

tags = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=4)


@given(st.lists(tags, max_size=20))
def test_equal_tags_are_one_object(many: list[dict[str, str]]) -> None:
    """Whatever the order of the pairs; the number leads back to the set."""
    registry = TagRegistry()
    for one in many:
        found = registry.intern(one)
        assert found is registry.intern(dict(reversed(one.items())))
        assert registry[found.number] is found
        assert found.as_dict() == one
    assert len(registry) == len({tuple(sorted(one.items())) for one in (*many, {})})


@given(tags, tags)
def test_extending_lets_the_extra_tags_win(base: dict[str, str], extra: dict[str, str]) -> None:
    """The same as merging dictionaries."""
    registry = TagRegistry()
    assert registry.extend(registry.intern(base), extra).as_dict() == {**base, **extra}


def test_tags_are_text_that_can_be_written() -> None:
    """Half of a surrogate pair, as a target's JSON may hold, becomes U+FFFD; the set is one with that one."""
    registry = TagRegistry()
    found = registry.intern({"a\ud800": "b\udc80"})
    assert found is registry.intern({"a\ufffd": "b\ufffd"})
    assert found.as_dict() == {"a\ufffd": "b\ufffd"}


def test_ever_new_names_share_one_set() -> None:
    """Over the limit name and url are replaced; the other tags stay."""
    registry = TagRegistry(limit=3)
    sets = [registry.intern({"name": f"/{number}", "method": "GET"}) for number in range(10)]
    assert len(registry) == 4
    assert sets[-1].as_dict() == {"name": OVERFLOW, "method": "GET"}
    assert sets[0].get("name") == "/0"
    assert registry.overflowed == 8


def test_ever_new_values_of_any_tag_are_bounded() -> None:
    """Even where it is not the name that explodes."""
    registry = TagRegistry(limit=3)
    for number in range(20):
        registry.intern({"user": str(number)})
    assert len(registry) <= 7


def test_series_are_numbered_once() -> None:
    """The number leads back to metric and tags."""
    registry = TagRegistry()
    tag_set = registry.intern({"a": "b"})
    number = registry.series("checks", tag_set)
    assert number == registry.series("checks", tag_set)
    assert registry.series("other", tag_set) != number
    assert registry.series_key(number) == ("checks", tag_set)
    assert registry.series_count == 2
    assert repr(tag_set) == "<TagSet 1 {a:b}>"
    assert tag_set.get("c") is None
