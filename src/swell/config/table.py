"""The option table: one row per option, from which flags, variables, keys and docs are made.

Names, defaults and meanings are k6's; rows with ``own`` set are swell's. Keys are accepted in k6's spelling
(``maxRedirects``) and in snake case (``max_redirects``), variables with the prefix ``K6_`` and with
``SWELL_``, which wins.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from swell.config.row import NOT_SCRIPT, TYPED, Details, Option, make_row
from swell.config.scenario_values import SCENARIOS
from swell.config.structured import (
    CA_FILE,
    CERTIFICATES,
    DNS,
    HOST_PATTERNS,
    HOSTS,
    LOCAL_IPS,
    NETWORKS,
    SEED,
    STAGES,
    SUMMARY_STATS,
    SYSTEM_TAG_LIST,
    TLS_VERSION,
    WORKERS,
)
from swell.config.threshold_values import THRESHOLDS
from swell.config.values import (
    BOOL,
    ITERATIONS,
    TEXT,
    byte_size,
    choice,
    count,
    duration,
    positive_duration,
    text_list,
    text_map,
)

_EXECUTION: Final = (
    make_row("vus", count(1), "Number of virtual users.", "-u", "--vus", field=""),
    make_row(
        "duration",
        positive_duration(),
        "How long to run, such as 30s or 1m30s.",
        "-d",
        "--duration",
        field="",
    ),
    make_row(
        "iterations", ITERATIONS, "Iterations to run, shared among all VUs.", "-i", "--iterations", field=""
    ),
    make_row(
        "stages",
        STAGES,
        "A stage of a ramp of VUs; may be repeated.",
        "-s",
        "--stage",
        field="",
        metavar="DURATION:TARGET",
        repeat=True,
    ),
    make_row("scenarios", SCENARIOS, "Named workloads, each with an executor of its own.", field="", env=""),
    make_row("no_setup", BOOL, "Do not run setup().", "--no-setup"),
    make_row("no_teardown", BOOL, "Do not run teardown().", "--no-teardown"),
    make_row("setup_timeout", positive_duration(), "Time that setup() may take.", field="setup_timeout_ns"),
    make_row(
        "teardown_timeout", positive_duration(), "Time that teardown() may take.", field="teardown_timeout_ns"
    ),
    make_row(
        "handle_summary_timeout",
        positive_duration(),
        "Time that handle_summary() may take.",
        field="handle_summary_timeout_ns",
    ),
    make_row(
        "min_iteration_duration",
        duration(),
        "Least time per iteration; a shorter one is followed by a wait.",
        "--min-iteration-duration",
        field="min_iteration_duration_ns",
    ),
    make_row(
        "rps", count(is_clipped=True), "Limit of HTTP requests a second over all VUs; 0 is none.", "--rps"
    ),
    make_row("throw", BOOL, "Raise an exception for a failed request.", "-w", "--throw"),
    make_row(
        "workers",
        WORKERS,
        "Worker processes; auto takes as many as the plan needs.",
        "--workers",
        metavar="N|auto",
        own=True,
    ),
    make_row(
        "seed",
        SEED,
        "Start of swell.random; the same seed repeats the same choices.",
        "--seed",
        metavar="N",
        own=True,
    ),
    make_row(
        "max_memory",
        byte_size(),
        "End the run when all workers together hold more; 0 is no limit.",
        "--max-memory",
        field="max_memory_bytes",
        own=True,
    ),
    make_row(
        "hang_timeout",
        positive_duration(),
        "Time after which a worker that does not turn is a hang.",
        "--hang-timeout",
        field="hang_timeout_ns",
        own=True,
    ),
)

_NETWORK: Final = (
    make_row("max_redirects", count(is_clipped=True), "Redirects to follow at most.", "--max-redirects"),
    make_row("batch", count(), "Requests of one batch in flight at most.", "--batch"),
    make_row(
        "batch_per_host", count(), "Requests of one batch in flight per host at most.", "--batch-per-host"
    ),
    make_row(
        "max_connections_per_host",
        count(),
        "Connections that one VU has to one host at most; 0 is no limit.",
        "--max-connections-per-host",
        own=True,
    ),
    make_row("user_agent", TEXT, "User-Agent header of requests.", "--user-agent"),
    make_row(
        "http_debug",
        choice("", "headers", "full", is_loose=True),
        "Log all requests and responses; full adds their bodies.",
        "--http-debug",
        implied="headers",
        metavar="[headers|full]",
    ),
    make_row(
        "insecure_skip_tls_verify",
        BOOL,
        "Accept any server certificate.",
        "--insecure-skip-tls-verify",
        key="insecureSkipTLSVerify",
    ),
    make_row("no_connection_reuse", BOOL, "Open a connection per request.", "--no-connection-reuse"),
    make_row(
        "no_vu_connection_reuse",
        BOOL,
        "Open new connections in each iteration.",
        "--no-vu-connection-reuse",
        key="noVUConnectionReuse",
    ),
    make_row("no_cookies_reset", BOOL, "Keep cookies from one iteration of a VU to the next."),
    make_row(
        "discard_response_bodies",
        BOOL,
        "Do not keep response bodies unless a request asks.",
        "--discard-response-bodies",
    ),
    make_row(
        "max_response_body",
        byte_size(),
        "Longest response body; a longer one is an error.",
        "--max-response-body",
        field="max_response_body_bytes",
        own=True,
    ),
    make_row(
        "blacklist_ips",
        NETWORKS,
        "Addresses that must not be called.",
        "--blacklist-ip",
        key="blacklistIPs",
        metavar="CIDR",
        repeat=True,
    ),
    make_row(
        "block_hostnames",
        HOST_PATTERNS,
        "Host names that must not be called; a leading * is a wildcard.",
        "--block-hostnames",
        metavar="PATTERN",
        repeat=True,
    ),
    # k6 has no flag for this one.
    make_row(
        "hosts", HOSTS, "Address for a host name; may be repeated.", "--hosts", metavar="NAME=IP", repeat=True
    ),
    make_row(
        "dns",
        DNS,
        "How names are resolved.",
        "--dns",
        metavar="ttl=5m,select=random,policy=preferIPv4",
    ),
    make_row(
        "local_ips",
        LOCAL_IPS,
        "Local addresses to connect from, spread over the VUs.",
        "--local-ips",
        key="localIPs",
        metavar="RANGES",
        sources=TYPED,
    ),
    make_row("tls_auth", CERTIFICATES, "Client certificates as PEM texts.", env="TLSAUTH"),
    make_row(
        "tls_ca",
        CA_FILE,
        "PEM file of authorities to trust besides the system's.",
        "--tls-ca",
        key="tlsCA",
        own=True,
    ),
    make_row("tls_version", TLS_VERSION, "TLS versions to offer.", field="", env=""),
    make_row("tls_cipher_suites", text_list(), "Cipher suites to offer."),
)

_RESULTS: Final = (
    make_row("tags", text_map(), "A tag for every sample; may be repeated.", "--tag", repeat=True),
    make_row(
        "system_tags", SYSTEM_TAG_LIST, "Which tags are set by themselves.", "--system-tags", repeat=True
    ),
    make_row(
        "thresholds",
        THRESHOLDS,
        "What must hold for the run to pass; replaces the script's thresholds; may be repeated.",
        "--threshold",
        metavar="METRIC=EXPRESSION",
        repeat=True,
    ),
    make_row("no_thresholds", BOOL, "Do not judge thresholds.", "--no-thresholds", sources=TYPED),
    make_row(
        "require_data",
        BOOL,
        "Fail a threshold whose metric has no samples; --require-data=false lets it pass.",
        "--require-data",
        own=True,
    ),
    make_row(
        "require_trust",
        BOOL,
        "Fail a run whose measurement is not trusted, with an exit code of its own.",
        "--require-trust",
        own=True,
    ),
    make_row(
        "summary_trend_stats",
        SUMMARY_STATS,
        "Statistics of trends in the summary: avg, min, med, max, count, p(N).",
        "--summary-trend-stats",
        repeat=True,
    ),
    make_row(
        "summary_time_unit",
        choice("", "s", "ms", "us", is_loose=True),
        "Unit of times in the summary; without it the one that suits.",
        "--summary-time-unit",
    ),
    make_row(
        "summary_mode",
        choice("compact", "full", "legacy", "disabled"),
        "Layout of the summary; legacy is that of k6 before 1.0.",
        "--summary-mode",
        sources=TYPED,
    ),
    make_row(
        "summary_export",
        TEXT,
        "Write the summary to a JSON file.",
        "--summary-export",
        metavar="FILE",
        sources=TYPED,
    ),
    make_row(
        "new_machine_readable_summary",
        BOOL,
        "Use the newer JSON form for --summary-export.",
        "--new-machine-readable-summary",
        sources=TYPED,
    ),
    make_row(
        "out",
        text_list(),
        "Write every sample while the run goes on: json[=FILE] or csv[=FILE]; may be repeated.",
        "-o",
        "--out",
        metavar="KIND[=ARGUMENT]",
        sources=NOT_SCRIPT,
        repeat=True,
    ),
    make_row(
        "console_output",
        TEXT,
        "Write what the script prints to a file.",
        "--console-output",
        metavar="FILE",
        sources=TYPED,
    ),
    make_row(
        "results_dir",
        TEXT,
        "Directory in which runs are saved.",
        "--results-dir",
        metavar="DIR",
        sources=NOT_SCRIPT,
        own=True,
    ),
    make_row("no_save", BOOL, "Do not save the run.", "--no-save", sources=NOT_SCRIPT, own=True),
)

# What belongs to the command, not to the run: never in a file or script, not part of ``Options``.
_SECRETS = (
    "Where k6/secrets gets its values: file=PATH, mock=KEY=VALUE,... or url=SETTING=VALUE,...;"
    " may be repeated."
)
_SECRET: Details = {"field": "", "metavar": "TYPE=ARGUMENT", "sources": TYPED, "repeat": True}
_ALLOW = "This host is for load tests, though it looks like production; may be repeated."
_ALLOWED: Details = {
    "field": "",
    "env": "",
    "metavar": "HOST",
    "sources": TYPED,
    "repeat": True,
    "own": True,
}
_LOCK = "File that pins what a k6 script imports over https; it is made where it does not exist."
_COMMAND: Final = (
    make_row(
        "env",
        text_map(),
        "A variable for the script; without = it is empty; may be repeated.",
        "-e",
        "--env",
        field="",
        env="",
        metavar="NAME[=VALUE]",
        sources=TYPED,
        repeat=True,
    ),
    make_row(
        "include_system_env_vars",
        BOOL,
        "Pass this process's variables to the script (on by default).",
        "--include-system-env-vars",
        field="",
        sources=TYPED,
    ),
    make_row(
        "profile",
        TEXT,
        "Size of the load: a profile of profiles.toml beside the script or above it.",
        "--profile",
        field="",
        metavar="NAME",
        sources=TYPED,
        own=True,
    ),
    make_row("allow_host", text_list(), _ALLOW, "--allow-host", **_ALLOWED),
    make_row("module_lock", TEXT, _LOCK, "--module-lock", field="", metavar="FILE", sources=TYPED, own=True),
    make_row("secret_source", text_list(), _SECRETS, "--secret-source", **_SECRET),
    make_row("config", TEXT, "Config file.", "-c", "--config", field="", metavar="FILE", sources=TYPED),
    make_row("quiet", BOOL, "Show no progress.", "-q", "--quiet", field="", env="", sources=TYPED),
    make_row("verbose", BOOL, "Log debug messages.", "-v", "--verbose", field="", env="", sources=TYPED),
    make_row("no_color", BOOL, "Use no colours.", "--no-color", field="", sources=TYPED),
    make_row(
        "log_format",
        choice("text", "json", "raw"),
        "Form of the log's lines.",
        "--log-format",
        field="",
        sources=TYPED,
    ),
    make_row(
        "log_output",
        TEXT,
        "Where the log goes: stderr, stdout, none or file=PATH.",
        "--log-output",
        field="",
        metavar="OUTPUT",
        sources=TYPED,
    ),
)


def _grouped() -> tuple[Option, ...]:
    groups = {"execution": _EXECUTION, "network": _NETWORK, "results": _RESULTS, "command": _COMMAND}
    return tuple(replace(row, group=group) for group, rows in groups.items() for row in rows)


OPTIONS: Final = _grouped()
RUN_OPTIONS: Final = tuple(row for row in OPTIONS if row.group != "command")
COMMAND_OPTIONS: Final = tuple(row for row in OPTIONS if row.group == "command")

# Options of k6 that have no meaning here but do no harm either, and are passed over in silence.
IGNORED_KEYS: Final = frozenset(
    {"cloud", "collectors", "ext", "metricSamplesBufferSize", "noArchiveUpload", "noUsageReport"}
)
# Options of k6 whose absence would change what a run does: reason per key.
REFUSED_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "executionSegment": "a part of a plan cannot be run by itself; use --workers to spread the load",
        "executionSegmentSequence": "a part of a plan cannot be run by itself; use --workers",
        "paused": "a run cannot be started paused",
    }
)

# The four of which the highest layer that sets any replaces them all.
WORKLOAD_NAMES: Final = ("duration", "iterations", "stages", "scenarios")

_BY_NAME: Final[Mapping[str, Option]] = MappingProxyType({row.name: row for row in OPTIONS})
_BY_KEY: Final[Mapping[str, Option]] = MappingProxyType({row.key.lower(): row for row in RUN_OPTIONS})


def option(name: str) -> Option:
    """Return the row with this snake-case name; ``KeyError`` where there is none."""
    return _BY_NAME[name]


def is_unknown_to_k6(key: str) -> bool:
    """Whether k6 would say of ``key`` in a script's options that it does not know it."""
    if key in {"cloud", "ext", "metricSamplesBufferSize"} or key in REFUSED_KEYS:
        return False
    row = find_option(key)
    return row is None or "script" not in row.sources


def find_option(key: str) -> Option | None:
    """Return the run option that ``key`` spells, in snake case or as in k6, which ignores case."""
    row = _BY_NAME.get(key)
    return row if row is not None and row.group != "command" else _BY_KEY.get(key.lower())
