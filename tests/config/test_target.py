"""Tests of config/target.py: what a folder says about its target, and which hosts are kept from load."""

from pathlib import Path
from textwrap import dedent

import pytest

from swell.base.errors import ConfigError
from swell.config.target import Need, Target, declared_target, guard, looks_like_production, read_target

SHOP = {
    "service": "shop",
    "variable": ["SITE", "OLD_SITE"],
    "url": "http://localhost:8001/",
    "also": ["API_URL"],
    "settings": {"TOKEN": "mock", "EVENT": "1"},
    "needs": ["/up", {"path": "/events/$EVENT", "headers": {"Authorization": "Bearer $TOKEN"}}],
}


def guarded(env: dict[str, str], *allowed: str) -> list[str]:
    """What keeps scripts of the shop with these variables from their run."""
    faults = guard(read_target(SHOP, "shop/profiles.toml"), env, allowed)
    return [f"{fault.place}: {fault.message} ({fault.hint})" for fault in faults]


def test_a_target_is_where_its_first_variable_says() -> None:
    """One that is empty says nothing; without any it is where it is by default."""
    target = read_target(SHOP, "profiles.toml")
    assert target.url_in({}) == "http://localhost:8001"
    assert target.url_in({"SITE": "", "OLD_SITE": "http://old/"}) == "http://old"
    assert target.url_in({"SITE": "http://new", "OLD_SITE": "http://old"}) == "http://new"
    assert read_target({}, "profiles.toml") == Target()
    assert read_target({"variable": ""}, "profiles.toml").variable == "BASE_URL"


def test_needs_are_filled_with_the_settings() -> None:
    """Defaults below the variables; in a path a value is one segment; what is no setting stays."""
    target = read_target(SHOP, "profiles.toml")
    plain, event = target.needs
    assert (plain, plain.settings) == (Need("/up"), [])
    assert event.settings == ["EVENT", "TOKEN"]
    values = target.settings_in({"EVENT": "a/b c", "OTHER": "x"})
    assert event.filled(values) == Need("/events/a%2Fb%20c", {"Authorization": "Bearer mock"})
    login = Need("/login", json={"password": "$TOKEN", "price": "5 $"})
    assert login.filled(values).json == {"password": "mock", "price": "5 $"}


def test_variables_of_another_target_are_dropped() -> None:
    """Where it is, its other URLs and its settings; everything else stays."""
    env = {"SITE": "a", "OLD_SITE": "b", "API_URL": "c", "TOKEN": "d", "EVENT": "e", "PATH": "/bin"}
    assert read_target(SHOP, "profiles.toml").without(env) == {"PATH": "/bin"}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"urls": "x"}, "there is no key 'urls'"),
        ({"needs": 3}, "cannot be read: Expected `array`, got `int` - at `$.needs`"),
        ({"needs": [{"path": "/", "method": "PUT"}]}, "unknown field `method`"),
        ({"needs": ["/$ID"]}, "needs has $ID, and settings has no ID"),
        ({"settings": {"N": 1}}, "Expected `str`, got `int`"),
    ],
)
def test_a_wrong_table(table: dict[str, object], words: str) -> None:
    """One fault says what cannot be there."""
    with pytest.raises(ConfigError) as raised:
        read_target(table, "shop/profiles.toml")
    (fault,) = raised.value.faults
    assert fault.place == "shop/profiles.toml [target]"
    assert words in fault.message


@pytest.mark.parametrize(
    ("host", "is_production"),
    [
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("8.8.8.8", True),
        ("134744072", True),
        ("localhost", False),
        ("wwmaa.com", True),
        ("www.ainative.studio", True),
        ("staging.wwmaa.com", False),
        ("wwmaa-staging.example.org", False),
        ("api-dev.wwmaa.com", False),
        ("latest.wwmaa.com", True),
        ("::1", False),
        # As people read them: "testè" and "staging-münchen".
        ("xn--test-8oa.wwmaa.com", True),
        ("xn--staging-mnchen-osb.wwmaa.com", False),
    ],
)
def test_what_looks_like_production(host: str, is_production: bool) -> None:
    """Public addresses, and names without a word that stands for tests."""
    assert looks_like_production(host) is is_production


def test_each_host_that_looks_like_production_is_told_once() -> None:
    """With all of its variables; hosts that are allowed, by whatever case, are not."""
    hint = "if it is for load tests: --allow-host shop.nowhere"
    assert guarded({}) == []
    assert guarded({"SITE": "https://Shop.nowhere", "API_URL": "https://shop.nowhere/api"}) == [
        f"SITE, API_URL: shop.nowhere looks like production ({hint})"
    ]
    assert guarded({"SITE": "https://shop.nowhere"}, "SHOP.nowhere") == []
    assert guarded({"API_URL": "https://shop.nowhere"}) == [
        f"API_URL: shop.nowhere looks like production ({hint})"
    ]


def test_a_url_without_a_host_is_no_way_around() -> None:
    """Nobody knows what would be called."""
    for url in ("shop.nowhere", "http://[::1"):
        assert guarded({"SITE": url}) == [f"SITE: {url!r} is no URL (write it like http://127.0.0.1:8001)"]


def test_messages_about_a_url_hide_what_may_be_a_password() -> None:
    """However the URL is written."""
    for url in ("https:/me:secret@shop", "me:secret@shop:80", "http://me:secret@"):
        (told,) = guarded({"SITE": url})
        assert "is no URL" in told
        assert "secret" not in told
    assert guarded({"SITE": "https://me:secret@[2606:4700::1]/"}, "[2606:4700::1]") == []


def test_the_nearest_file_declares_the_target(tmp_path: Path) -> None:
    """A folder without a table has none; a file above that cannot be read is another program's."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "profiles.toml").write_text(
        dedent("""
        [target]
        service = "shop"
        [demo.search]
    """)
    )
    assert declared_target(inner) == Target("shop")
    (inner / "profiles.toml").write_text("[demo.search]\n")
    assert declared_target(inner) is None
    (inner / "profiles.toml").write_text("[demo\n")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        declared_target(inner)
    (inner / "profiles.toml").unlink()
    (tmp_path / "profiles.toml").write_text("name = 3\n")
    assert declared_target(inner) is None


def test_a_folder_that_cannot_be_looked_into_declares_none(tmp_path: Path) -> None:
    """Scripts run by a relative path, too, where folders above are closed to the user."""
    closed = tmp_path / ("n" * 300)
    assert declared_target(closed) is None
    (tmp_path / "profiles.toml").write_text('[target]\nservice = "shop"\n')
    assert declared_target(closed) == Target("shop")
