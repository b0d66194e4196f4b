"""Options with parts: stages, thresholds, name resolution, TLS, addresses, lists of known words."""

from pathlib import Path

import pytest
import trustme
from configuration import cli, env, faults, native, resolved, script

from swell.base.clock import NS_PER_SECOND
from swell.config.layers import Layer
from swell.config.options import ClientCertificate, DNSOptions, Options, ThresholdSpec
from swell.config.scenarios import RampingVUs, Stage
from swell.config.show import show_resolved

SECOND = NS_PER_SECOND
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


def options(*layers: Layer) -> Options:
    """The options that the layers come to."""
    return resolved(*layers).options


# Stages.


@pytest.mark.parametrize(
    "layer",
    [
        script(stages=[("5s", 3), ("1m", 0)]),
        script(stages=[["5s", 3.0], [60_000, 0]]),
        script(stages=[{"duration": "5s", "target": 3}, {"duration": "1m", "target": "0"}]),
        cli(stages=["5s:3", "1m:0"]),
        cli(stages=["5s:3,1m:0"]),
        env(stages="5s:3, 1m:0"),
        env(stages='[{"duration": "5s", "target": 3}, {"duration": "1m", "target": 0}]'),
    ],
)
def test_stages_in_all_their_forms(layer: Layer) -> None:
    """Pairs, maps, typed text and JSON are the same stages."""
    scenario = resolved(layer).scenarios[0]
    assert isinstance(scenario, RampingVUs)
    assert scenario.stages == (Stage(5 * SECOND, 3), Stage(60 * SECOND, 0))


@pytest.mark.parametrize(
    ("layer", "found"),
    [
        (script(stages="5s:3"), ["script.py options.stages: must be a list of stages, not '5s:3'"]),
        (script(stages=[3]), ["script.py options.stages[0]: is not a stage: 3"]),
        (script(stages=[("5s",)]), ["script.py options.stages[0]: is not a stage: ('5s',)"]),
        (
            native(stages=[{}]),
            ["script.py options.stages[0]: has no duration", "script.py options.stages[0]: has no target"],
        ),
        (
            script(stages=[("x", "y")]),
            [
                "script.py options.stages[0][0]: 'x' is not a duration; write it like 30s, 1m30s or 500ms",
                "script.py options.stages[0][1]: must be a whole number, not 'y'",
            ],
        ),
        (cli(stages=["5s"]), ["--stage[0]: is not a stage: '5s'"]),
        (cli(stages=["5:1"]), ["--stage[0].duration: '5' has no unit; write it like 30s, 1m30s or 500ms"]),
        (env(stages="[1"), ["SWELL_STAGES: is not valid JSON: Expecting ',' delimiter at line 1 column 3"]),
    ],
)
def test_wrong_stages(layer: Layer, found: list[str]) -> None:
    """Each wrong part has its own place."""
    assert faults(layer) == found


def test_an_unknown_key_of_a_stage_is_a_warning_at_the_top_and_a_fault_in_a_scenario() -> None:
    """k6 reads the shortcut leniently and scenarios strictly."""
    stages = [{"duration": "5s", "target": 3, "targt": 4}]
    assert resolved(script(stages=stages)).warnings == (
        "script.py options.stages[0]: the unknown key 'targt' is ignored",
    )
    scenario = {"executor": "ramping-vus", "stages": stages}
    assert faults(script(scenarios={"a": scenario})) == [
        "script.py options.scenarios.a.stages[0]: has the unknown key 'targt'"
    ]


# Thresholds.


@pytest.mark.parametrize(
    ("written", "spec"),
    [
        ("p(95)<300", ThresholdSpec("p(95)<300")),
        (["p(95)<300"], ThresholdSpec("p(95)<300")),
        ([{"threshold": "p(95)<300"}], ThresholdSpec("p(95)<300")),
        ({"threshold": "p(95)<300", "abortOnFail": True}, ThresholdSpec("p(95)<300", abort_on_fail=True)),
        (
            [{"threshold": "p(95)<300", "abort_on_fail": True, "delay_abort_eval": "10s"}],
            ThresholdSpec("p(95)<300", True, 10 * SECOND),
        ),
        ([{"threshold": "x", "abortOnFail": None, "delayAbortEval": None}], ThresholdSpec("x")),
    ],
)
def test_thresholds_in_all_their_forms(written: object, spec: ThresholdSpec) -> None:
    """A text, a map, or a list of either."""
    assert options(native(thresholds={"m{a:b}": written})).thresholds == {"m{a:b}": (spec,)}


@pytest.mark.parametrize("written", ["p(95)<300", {"threshold": "p(95)<300"}])
def test_k6_scripts_write_lists_of_thresholds(written: object) -> None:
    """k6 would not start with anything else, so neither does a script of its kind."""
    place = "script.py options.thresholds.checks"
    assert faults(script(thresholds={"checks": written})) == [f"{place}: must be a list of thresholds"]


def test_thresholds_by_flag_and_variable() -> None:
    """A repeated flag adds to its metric; a variable holds JSON."""
    given = ["m{a:b=c}=p(95)<=300", "m{a:b=c}=max<5", "checks=rate>0.9"]
    assert options(cli(thresholds=given)).thresholds == {
        "m{a:b=c}": (ThresholdSpec("p(95)<=300"), ThresholdSpec("max<5")),
        "checks": (ThresholdSpec("rate>0.9"),),
    }
    variable = env(thresholds='{"checks": ["rate>0.9"]}')
    assert options(variable).thresholds == {"checks": (ThresholdSpec("rate>0.9"),)}


def test_wrong_thresholds() -> None:
    """All faults of all thresholds, each at its place."""
    written = {
        "a": [3, {"abortOnFail": True}, {"threshold": "x", "abort": 1}],
        "b": {"threshold": 5, "abortOnFail": "yes", "delayAbortEval": "soon"},
        "c": {"threshold": "x", "delayAbortEval": "-1s"},
    }
    place = "script.py options.thresholds"
    assert faults(native(thresholds=written)) == [
        f"{place}.a[0]: must be an expression, not 3",
        f"{place}.a[1]: has no threshold",
        f"{place}.a[2]: has the unknown key 'abort'",
        f"{place}.b[0].threshold: must be text, not 5",
        f"{place}.b[0].abortOnFail: must be true or false, not 'yes'",
        f"{place}.b[0].delayAbortEval: 'soon' is not a duration; write it like 30s, 1m30s or 500ms",
        f"{place}.c[0].delayAbortEval: must be at least 0s",
    ]
    assert faults(cli(thresholds=["checks"])) == [
        "--thresholds: must be written as METRIC=EXPRESSION, not 'checks'"
    ]


# Name resolution.


@pytest.mark.parametrize(
    ("layer", "dns"),
    [
        (cli(dns="ttl=inf,select=first,policy=any"), DNSOptions(None, "first", "any")),
        (env(dns="ttl=0"), DNSOptions(0)),
        (env(dns='{"ttl": "1m"}'), DNSOptions(60 * SECOND)),
        (native(dns={"ttl": 1000, "select": None}), DNSOptions(SECOND)),
        (script(dns={"ttl": "", "select": None, "unknown": 1}), DNSOptions()),
        (script(dns={}), DNSOptions()),
    ],
)
def test_dns(layer: Layer, dns: DNSOptions) -> None:
    """Fields left out keep their defaults; ttl may be a duration, 0 or inf."""
    assert options(layer).dns == dns


def test_wrong_dns() -> None:
    """Each field by itself."""
    assert faults(native(dns={"ttl": "-1s", "select": "frist", "policy": 3, "tll": "1s"})) == [
        "script.py options.dns.ttl: must be a duration, 0 or 'inf', not '-1s'",
        "script.py options.dns.select: must be one of first, random, roundRobin, not 'frist'",
        "script.py options.dns.policy: must be one of preferIPv4, preferIPv6, onlyIPv4, onlyIPv6, any, not 3",
        "script.py options.dns: has the unknown key 'tll'",
    ]
    assert faults(script(dns={"ttl": []}), cli(dns="ttl")) == [
        "script.py options.dns.ttl: must be a duration, 0 or 'inf', not []",
        "--dns: must be written as name=value, not 'ttl'",
    ]


# TLS.


@pytest.mark.parametrize(
    ("written", "bounds"),
    [
        ("tls1.2", ("tls1.2", "tls1.2")),
        ({"min": "tls1.2"}, ("tls1.2", "")),
        ({"min": "tls1.2", "max": "tls1.3"}, ("tls1.2", "tls1.3")),
        ({"min": "", "max": None}, ("", "")),
    ],
)
def test_tls_versions(written: object, bounds: tuple[str, str]) -> None:
    """One version, or a least and a highest."""
    found = options(script(tlsVersion=written))
    assert (found.tls_version_min, found.tls_version_max) == bounds


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("ssl3.0", "options.tlsVersion: must be one of tls1.0, tls1.1, tls1.2, tls1.3, not 'ssl3.0'"),
        ({"min": "tls1.3", "max": "tls1.2"}, "options.tlsVersion: min (tls1.3) is above max (tls1.2)"),
        ({"mn": "tls1.3"}, "options.tlsVersion: has the unknown key 'mn'"),
        (3, "options.tlsVersion: must be a version or {min, max}, not 3"),
    ],
)
def test_wrong_tls_versions(written: object, fault: str) -> None:
    """Versions that do not exist or leave none to offer are faults."""
    assert faults(script(tlsVersion=written)) == [f"script.py {fault}"]


def test_client_certificates() -> None:
    """PEM texts, and no key in what is printed."""
    resolution = resolved(script(tlsAuth=[{"cert": PEM, "key": KEY, "password": "p", "domains": ["a"]}]))
    assert resolution.options.tls_auth == (ClientCertificate(PEM, KEY, "p", ("a",)),)
    assert KEY not in str(show_resolved(resolution))


def test_wrong_client_certificates() -> None:
    """What is missing and what is no PEM."""
    assert faults(script(tlsAuth=[3, {"cert": "x"}, {"cert": PEM, "key": KEY, "kee": 1}])) == [
        "script.py options.tlsAuth[0]: must be {cert, key} with PEM texts, not 3",
        "script.py options.tlsAuth[1].cert: must be PEM text (-----BEGIN ...), not 'x'",
        "script.py options.tlsAuth[1]: has no key",
        "script.py options.tlsAuth[2]: has the unknown key 'kee'",
    ]
    assert faults(script(tlsAuth={})) == ["script.py options.tlsAuth: must be a list of {cert, key}, not {}"]
    assert faults(env(tls_auth="[")) == [
        "SWELL_TLS_AUTH: is not valid JSON: Expecting value at line 1 column 2"
    ]


def test_a_certificate_authority_is_read_from_its_file(tmp_path: Path) -> None:
    """The path starts at the layer's directory; the text itself is taken too."""
    text = trustme.CA().cert_pem.bytes().decode()
    (tmp_path / "ca.pem").write_text(text)
    layer = Layer("cli", "command line", {"tls_ca": "ca.pem"}, {"tls_ca": "--tls-ca"}, tmp_path)
    assert options(layer).tls_ca == text
    assert options(script(tls_ca=text)).tls_ca == text


def test_wrong_certificate_authority_files(tmp_path: Path) -> None:
    """Missing, a directory, bytes, or no certificate: one fault each, and no traceback."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "text").write_text("hello")
    for name, reason in [
        ("missing", "must name a readable PEM file (No such file or directory)"),
        (".", "must name a readable PEM file (Is a directory)"),
        ("bytes", "must name a readable PEM file (it is not text)"),
        ("text", "must name a PEM file with certificates (-----BEGIN CERTIFICATE-----)"),
    ]:
        layer = Layer("cli", "command line", {"tls_ca": name}, {"tls_ca": "--tls-ca"}, tmp_path)
        assert faults(layer) == [f"--tls-ca: {reason}, not {name!r}"]


# Addresses.


def test_addresses() -> None:
    """CIDR ranges, ranges of local addresses, overrides with ports, wildcards."""
    found = options(
        script(
            blacklistIPs=["10.0.0.0/8", "::1"],
            blockHostnames=["*.example.com", "a.b"],
            hosts={"a": "1.2.3.4", "b:80": "1.2.3.4:8080", "*.c": "[::1]:443", "d": "::1", "e": "[::1]"},
        ),
        cli(local_ips="127.0.0.2-127.0.0.9,10.0.0.0/30"),
    )
    assert found.blacklist_ips == ("10.0.0.0/8", "::1")
    assert found.block_hostnames == ("*.example.com", "a.b")
    assert found.hosts["*.c"] == "[::1]:443"
    assert found.local_ips == ("127.0.0.2-127.0.0.9", "10.0.0.0/30")


def test_wrong_addresses() -> None:
    """Every wrong one is named."""
    assert faults(
        native(
            blacklistIPs=["10.0.0.0/33", "a"],
            blockHostnames=["a.*.b", ""],
            hosts={"a": "b", "b": "1.2.3.4:99999", "c.*": "1.2.3.4"},
        ),
        cli(local_ips="127.0.0.9-127.0.0.2,x,1.1.1.1-x,::1-127.0.0.1"),
    ) == [
        "script.py options.blacklistIPs[0]: must be an IP address or a CIDR range, not '10.0.0.0/33'",
        "script.py options.blacklistIPs[1]: must be an IP address or a CIDR range, not 'a'",
        "script.py options.blockHostnames[0]: may have one *, at its start, not 'a.*.b'",
        "script.py options.blockHostnames[1]: may have one *, at its start, not ''",
        "script.py options.hosts.a: must map to an IP address or address:port, not 'b'",
        "script.py options.hosts.b: has the port 99999, above 65535",
        "script.py options.hosts['c.*']: may have one *, at its start, not 'c.*'",
        "--local-ips[0]: must run upwards within one IP version, not '127.0.0.9-127.0.0.2'",
        "--local-ips[1]: must be an IP address, a CIDR range or a range a-b, not 'x'",
        "--local-ips[2]: must be a range of two IP addresses, not '1.1.1.1-x'",
        "--local-ips[3]: must run upwards within one IP version, not '::1-127.0.0.1'",
    ]


# Known words.


def test_summary_statistics() -> None:
    """Words, count, and percentiles from 0 to 100."""
    stats = ("avg", "count", "p(99.99)", "p(0)", "p(100)")
    assert options(cli(summary_trend_stats=",".join(stats))).summary_trend_stats == stats
    assert faults(cli(summary_trend_stats="avg,p(101),p95,mean")) == [
        "--summary-trend-stats[1]: must be a percentile from 0 to 100, not 'p(101)'",
        "--summary-trend-stats[2]: must be one of avg, min, med, max, count or p(N), not 'p95'",
        "--summary-trend-stats[3]: must be one of avg, min, med, max, count or p(N), not 'mean'",
    ]


def test_system_tags() -> None:
    """Known ones are taken once; unknown ones, which other protocols of k6 have, are warned of."""
    resolution = resolved(script(systemTags=["url", "url", "vu", "stauts"]))
    assert resolution.options.system_tags == ("url", "vu")
    assert resolution.warnings == (
        "script.py options.systemTags: the unknown system tag 'stauts' is ignored; did you mean 'status'?",
    )
    assert options(script(systemTags=[])).system_tags == ()


@pytest.mark.parametrize(("value", "workers"), [("auto", 0), ("3", 3), (3, 3)])
def test_workers(value: object, workers: int) -> None:
    """A number, or auto."""
    assert options(cli(workers=value)).workers == workers


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("many", "must be 'auto' or a whole number, not 'many'"),
        ("0", "must be 'auto' or from 1 to 1024, not '0'"),
        (5000, "must be 'auto' or from 1 to 1024, not 5000"),
    ],
)
def test_wrong_workers(value: object, problem: str) -> None:
    """Nothing else."""
    assert faults(cli(workers=value)) == [f"--workers: {problem}"]


def test_seed_and_sizes() -> None:
    """Swell's own numbers with their units."""
    found = options(
        cli(seed="7", max_memory="1GB", hang_timeout="3s", max_response_body="1MiB", require_data="false")
    )
    assert (found.seed, found.max_memory_bytes, found.hang_timeout_ns) == (7, 10**9, 3 * SECOND)
    assert (found.max_response_body_bytes, found.require_data) == (1024**2, False)
