"""The options of a run after resolution; ``table`` has one row for each and says how they are written.

Names, defaults and meanings are k6's unless the table says otherwise.
"""

from typing import Final

import msgspec

from swell.base.clock import NS_PER_SECOND

# The tags that swell sets on samples by itself, in k6's order, and those it sets only when they are named.
SYSTEM_TAGS: Final = (
    "proto",
    "subproto",
    "status",
    "method",
    "url",
    "name",
    "group",
    "check",
    "error",
    "error_code",
    "tls_version",
    "scenario",
    "service",
    "expected_response",
)
SYSTEM_TAGS_ON_REQUEST: Final = ("vu", "iter", "ip", "ocsp_status")


class ThresholdSpec(msgspec.Struct, frozen=True):
    """One threshold as written: the expression, and whether crossing it ends the run."""

    source: str
    abort_on_fail: bool = False
    delay_abort_eval_ns: int | None = None


class DNSOptions(msgspec.Struct, frozen=True):
    """How names are resolved; ``ttl_ns`` None means for ever."""

    ttl_ns: int | None = 300 * NS_PER_SECOND
    select: str = "random"
    policy: str = "preferIPv4"


class ClientCertificate(msgspec.Struct, frozen=True):
    """A client certificate as PEM text."""

    cert: str
    key: str
    password: str | None = None
    domains: tuple[str, ...] = ()


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """All options of a run after resolution, scenarios apart."""

    # What layers have set, under k6's keys and as k6 prints it: scripts of k6 are shown it.
    given: dict[str, object] = {}
    # Likewise the scenarios by name, with null for what they leave out.
    given_scenarios: dict[str, dict[str, object]] = {}

    setup_timeout_ns: int = 60 * NS_PER_SECOND
    teardown_timeout_ns: int = 60 * NS_PER_SECOND
    handle_summary_timeout_ns: int = 120 * NS_PER_SECOND
    no_setup: bool = False
    no_teardown: bool = False
    min_iteration_duration_ns: int = 0
    rps: int = 0
    throw: bool = False
    # HTTP
    max_redirects: int = 10
    batch: int = 20
    batch_per_host: int = 6
    max_connections_per_host: int = 0  # of one VU; 0: no limit
    user_agent: str = ""
    http_debug: str = ""
    insecure_skip_tls_verify: bool = False
    no_connection_reuse: bool = False
    no_vu_connection_reuse: bool = False
    no_cookies_reset: bool = False
    discard_response_bodies: bool = False
    max_response_body_bytes: int = 256 * 1024 * 1024
    blacklist_ips: tuple[str, ...] = ()
    block_hostnames: tuple[str, ...] = ()
    hosts: dict[str, str] = {}
    dns: DNSOptions = DNSOptions()
    local_ips: tuple[str, ...] = ()
    tls_auth: tuple[ClientCertificate, ...] = ()
    tls_ca: str = ""  # PEM text of certificate authorities to trust besides the system's
    tls_version_min: str = ""
    tls_version_max: str = ""
    tls_cipher_suites: tuple[str, ...] = ()
    # Metrics and results
    tags: dict[str, str] = {}
    system_tags: tuple[str, ...] = SYSTEM_TAGS
    thresholds: dict[str, tuple[ThresholdSpec, ...]] = {}
    no_thresholds: bool = False
    require_data: bool = True
    require_trust: bool = False
    summary_trend_stats: tuple[str, ...] = ("avg", "min", "med", "max", "p(90)", "p(95)")
    summary_time_unit: str = ""
    summary_mode: str = "compact"
    summary_export: str = ""
    new_machine_readable_summary: bool = False
    console_output: str = ""
    out: tuple[str, ...] = ()
    # Run
    workers: int = 0  # 0: auto
    seed: int = 0
    max_memory_bytes: int = 0
    hang_timeout_ns: int = 10 * NS_PER_SECOND
    results_dir: str = "swell-results"
    no_save: bool = False
