"""Above a run stand swell's banner and k6's description of what will happen."""

from swell.base.clock import NS_PER_SECOND
from swell.report.ansi import strip_ansi
from swell.report.banner import ScenarioLine, banner, description_block


def test_the_description_block() -> None:
    """Labels end in one column; scenarios are sorted by start and name."""
    block = description_block(
        script="shop.py",
        scenarios=[
            ScenarioLine("late", "1 looping VUs for 1s", 5 * NS_PER_SECOND),
            ScenarioLine("b", "4 looping VUs for 1m0s (gracefulStop: 30s)"),
            ScenarioLine("a", "2 looping VUs for 1m0s"),
        ],
        max_vus=7,
        max_duration_ns=90 * NS_PER_SECOND,
        outputs=["json=a.json", "csv=b.csv"],
        dashboard="http://127.0.0.1:5665",
    )
    assert block.split("\n") == [
        "     execution: local",
        "        script: shop.py",
        " web dashboard: http://127.0.0.1:5665",
        "        output: json=a.json, csv=b.csv",
        "",
        "     scenarios: (100.00%) 3 scenarios, 7 max VUs, 1m30s max duration (incl. graceful stop):",
        "              * a: 2 looping VUs for 1m0s",
        "              * b: 4 looping VUs for 1m0s (gracefulStop: 30s)",
        "              * late: 1 looping VUs for 1s",
        "",
        "",
    ]


def test_one_scenario_and_no_output() -> None:
    """The noun is singular, and a dash stands for no output."""
    block = description_block(
        script="s.py", scenarios=[ScenarioLine("default", "x")], max_vus=1, max_duration_ns=0
    )
    assert "(100.00%) 1 scenario, 1 max VUs, 0s max duration" in block
    assert "        output: -\n" in block
    assert "dashboard" not in block


def test_values_are_cyan_and_harmless() -> None:
    """Colour on demand; a name cannot steer the terminal."""
    block = description_block(script="\x1b[2J.py", scenarios=[], max_vus=0, max_duration_ns=0, colour=True)
    assert "script: \x1b[36m\\x1b[2J.py\x1b[0m" in block


def test_the_banner_is_small() -> None:
    """One line with the version."""
    assert strip_ansi(banner("1.2.3", colour=True)) == banner("1.2.3")
    assert banner("1.2.3").strip().endswith("swell 1.2.3")
    assert len(banner("1.2.3").strip().splitlines()) == 1


def test_long_descriptions_fold_on_a_terminal() -> None:
    """Folded lines stand below their first, and none is too wide."""
    lines = [
        ScenarioLine("browse", "Up to 20 looping VUs for 17s over 3 stages (gracefulRampDown: 30s, exec: b)")
    ]
    block = description_block(script="s.py", scenarios=lines, max_vus=30, max_duration_ns=0, width=80)
    assert block.split("\n")[4:] == [
        "     scenarios: (100.00%) 1 scenario, 30 max VUs, 0s max duration (incl.",
        "                graceful stop):",
        "              * browse: Up to 20 looping VUs for 17s over 3 stages",
        "                (gracefulRampDown: 30s, exec: b)",
        "",
        "",
    ]
