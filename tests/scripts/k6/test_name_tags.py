"""The tags name and url of requests, by who names them: as k6 was seen to tag."""

import json
from collections.abc import Callable
from pathlib import Path

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]

REQUESTS = """
    import http from "k6/http";
    import exec from "k6/execution";
    export default function () {
      const url = __ENV.TARGET + "/json";
      http.get(url);
      http.get(url, {tags: {name: "own"}});
      http.get(http.url`${__ENV.TARGET}/json?a=${1}`);
      exec.vu.tags.name = "vu";
      http.get(url);
      http.get(http.url`${__ENV.TARGET}/json?a=${2}`);
    }
    export const options = """


def _named(tmp_path: Path) -> list[tuple[str | None, str | None]]:
    lines = [json.loads(line) for line in (tmp_path / "points.json").read_text().splitlines()]
    points = [
        line["data"]["tags"] for line in lines if line["type"] == "Point" and line["metric"] == "http_reqs"
    ]
    return [(tags.get("name"), tags.get("url")) for tags in points]


def test_a_name_of_the_vu_goes_before_urls(run: RunScript, tmp_path: Path, target: str) -> None:
    """And before http.url; a request's own tag goes before both. The url is the name."""
    assert run(REQUESTS + "{}", "--out=json=points.json").exit_code == 0
    url = f"{target}/json"
    names = [url, "own", "${}/json?a=${}", "vu", "vu"]
    assert _named(tmp_path) == [(name, name) for name in names]


def test_only_names_of_the_script_stay_without_the_system_tag(
    run: RunScript, tmp_path: Path, target: str
) -> None:
    """They are tags like any other; what http.url gives is the system tag, and is not there."""
    assert run(REQUESTS + "{systemTags: ['url']}", "--out=json=points.json").exit_code == 0
    url = f"{target}/json"
    assert _named(tmp_path) == [(None, url), ("own", "own"), (None, f"{url}?a=1"), ("vu", "vu"), ("vu", "vu")]
