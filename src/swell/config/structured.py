"""The types of options that have parts: stages, name resolution, TLS, addresses, lists."""

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from swell.base.errors import ExitCode
from swell.base.units import UnitError, format_duration, parse_duration_ns
from swell.config.layers import Findings, Where, did_you_mean, note_unknown_key
from swell.config.options import SYSTEM_TAGS, SYSTEM_TAGS_ON_REQUEST, ClientCertificate
from swell.config.scenarios import Stage
from swell.config.values import (
    MAX_COUNT,
    ValueType,
    WrongValueError,
    choice,
    decode_json_text,
    describe,
    is_json_text,
    read_duration,
    read_int,
    read_mapping,
    read_text,
    single,
    split_text,
    text_list,
    text_map,
)

# Stages.


def _parse_stages(value: object, where: Where, findings: Findings) -> tuple[Stage, ...] | None:
    if is_json_text(value, where):
        value = decode_json_text(str(value), where, findings)
        if value is None:
            return None
    if isinstance(value, str) and where.layer.is_textual:
        value = split_text(value)
    elif isinstance(value, list | tuple) and where.layer.is_textual:
        value = [part for item in value for part in (split_text(item) if isinstance(item, str) else [item])]
    if not isinstance(value, list | tuple):
        findings.fault(where, f"must be a list of stages, not {describe(value)}", _STAGE_HINT)
        return None
    if where.layer.is_k6s and where.path == ("stages",):
        # k6 reads over them, in the shortcut only.
        value = [item for item in value if item is not None and not _is_timeless(item)]
    stages = [_parse_stage(item, where.at(index), findings) for index, item in enumerate(value)]
    good = tuple(stage for stage in stages if stage is not None)
    return good if len(good) == len(stages) else None


def _is_timeless(stage: object) -> bool:
    return isinstance(stage, Mapping) and stage.get("duration") is None


_STAGE_HINT: Final = "write stages as [('30s', 10), ('1m', 0)] or [{duration: '30s', target: 10}]"
_PAIR: Final = 2


def _parse_stage(value: object, where: Where, findings: Findings) -> Stage | None:
    parts: tuple[object, object]
    keys: tuple[str | int, str | int] = ("duration", "target")
    if isinstance(value, str) and where.layer.is_textual and value.count(":") == 1:
        left, _, right = value.partition(":")
        parts = left, right
    elif isinstance(value, list | tuple) and len(value) == _PAIR:
        parts, keys = (value[0], value[1]), (0, 1)
    elif isinstance(value, Mapping):
        for key in value:
            if key not in keys:
                _unknown_stage_key(key, where, findings)
        missing = [key for key in keys if value.get(key) is None]
        for key in missing:
            findings.fault(where, f"has no {key}", _STAGE_HINT)
        if missing:
            return None
        parts = value["duration"], value["target"]
    else:
        hint = "write a stage as DURATION:TARGET, such as 30s:10" if where.layer.is_textual else _STAGE_HINT
        findings.fault(where, f"is not a stage: {describe(value)}", hint)
        return None
    duration_ns = single(read_duration)(parts[0], where.at(keys[0]), findings)
    target = single(read_int)(parts[1], where.at(keys[1]), findings)
    return None if duration_ns is None or target is None else Stage(duration_ns, target)


def _unknown_stage_key(key: object, where: Where, findings: Findings) -> None:
    # k6 reads scenarios strictly and the stages shortcut leniently.
    if where.path[:1] == ("scenarios",):
        findings.fault(where, f"has the unknown key {key!r}", did_you_mean(str(key), ("duration", "target")))
    else:
        findings.warn(f"{where}: the unknown key {key!r} is ignored")


def _check_stages(stages: tuple[Stage, ...], where: Where, findings: Findings) -> None:
    for index, stage in enumerate(stages):
        if stage.duration_ns < 0:
            text = format_duration(stage.duration_ns)
            findings.fault(where.at(index, "duration"), f"must be at least 0s, not {text}")
        if not 0 <= stage.target <= MAX_COUNT:
            findings.fault(where.at(index, "target"), f"must be from 0 to {MAX_COUNT}, not {stage.target}")


def show_stages(stages: tuple[Stage, ...]) -> list[dict[str, object]]:
    """Write stages as k6's JSON does."""
    return [{"duration": format_duration(stage.duration_ns), "target": stage.target} for stage in stages]


STAGES: Final = ValueType("list of stages", _parse_stages, _check_stages, show_stages)


# Name resolution. The parsed value is a dictionary of the fields that are set: layers merge field by field.

DNS_SELECTS: Final = ("first", "random", "roundRobin")
DNS_POLICIES: Final = ("preferIPv4", "preferIPv6", "onlyIPv4", "onlyIPv6", "any")


def _read_ttl(value: object, where: Where) -> int | None:
    if value == "inf":
        return None
    if not isinstance(value, str | int | float):
        raise WrongValueError("must be a duration, 0 or 'inf'")
    if where.layer.is_k6s and not isinstance(value, str):
        raise WrongValueError("must be text such as '5m', '0' or 'inf'")
    try:
        ttl_ns = parse_duration_ns(value)
    except UnitError as error:
        raise WrongValueError("must be a duration, 0 or 'inf'") from error
    if ttl_ns < 0:
        raise WrongValueError("must be a duration, 0 or 'inf'")
    return ttl_ns


def _parse_dns(value: object, where: Where, findings: Findings) -> dict[str, object] | None:
    if isinstance(value, str) and where.layer.is_textual and not is_json_text(value, where):
        value = list(split_text(value))
    entries = read_mapping(value, where, findings)
    if entries is None:
        return None
    readers = {"select": choice(*DNS_SELECTS).parse, "policy": choice(*DNS_POLICIES).parse}
    fields: dict[str, object] = {}
    for key, raw in entries.items():
        if key == "ttl" and not (raw is None or (raw == "" and where.layer.is_k6s)):
            # It is read as text first, which all else fails at.
            code = ExitCode.OTHER if isinstance(raw, str) else ExitCode.INVALID_CONFIG
            try:
                fields["ttl_ns"] = _read_ttl(raw, where)
            except WrongValueError as error:
                problem = f"{error.problem}, not {describe(raw)}"
                findings.fault(where.at(key), problem, k6_exit_code=code)
        elif key in readers:
            if raw is not None:
                fields[key] = readers[key](raw, where.at(key), findings)
        elif key != "ttl":
            note_unknown_key(key, ("ttl", *readers), where, findings)
    return fields


def _show_dns(fields: Mapping[str, Any]) -> dict[str, object]:
    shown = {"ttl": None, "select": fields.get("select"), "policy": fields.get("policy")}
    if "ttl_ns" in fields:
        ttl_ns = fields["ttl_ns"]
        shown["ttl"] = "inf" if ttl_ns is None else format_duration(ttl_ns) if ttl_ns else "0"
    return shown


DNS: Final = ValueType("ttl, select and policy", _parse_dns, show=_show_dns)


# TLS.

TLS_VERSIONS: Final = ("tls1.0", "tls1.1", "tls1.2", "tls1.3")


def _parse_tls_version(value: object, where: Where, findings: Findings) -> tuple[str, str] | None:
    if isinstance(value, str):
        version = choice(*TLS_VERSIONS).parse(value, where, findings)
        return None if version is None else (version, version)
    if not isinstance(value, Mapping):
        findings.fault(where, f"must be a version or {{min, max}}, not {describe(value)}")
        return None
    bounds = {"min": "", "max": ""}
    for key, raw in value.items():
        if key not in bounds:
            findings.fault(where, f"has the unknown key {key!r}", did_you_mean(str(key), bounds))
        elif raw not in (None, ""):
            bounds[key] = choice(*TLS_VERSIONS).parse(raw, where.at(str(key)), findings)
    return bounds["min"], bounds["max"]


def _check_tls_version(bounds: tuple[str, str], where: Where, findings: Findings) -> None:
    low, high = bounds
    if low and high and low > high:
        findings.fault(where, f"min ({low}) is above max ({high})")


def _show_tls_version(bounds: tuple[str, str]) -> dict[str, str]:
    return {"min": bounds[0], "max": bounds[1]}


TLS_VERSION: Final = ValueType(
    "version, or {min, max}",
    _parse_tls_version,
    _check_tls_version,
    _show_tls_version,
    may_be_blank=True,
)


def _parse_certificates(
    value: object, where: Where, findings: Findings
) -> tuple[ClientCertificate, ...] | None:
    if is_json_text(value, where):
        value = decode_json_text(str(value), where, findings)
        if value is None:
            return None
    if not isinstance(value, list | tuple):
        findings.fault(where, f"must be a list of {{cert, key}}, not {describe(value)}")
        return None
    certificates = [_parse_certificate(item, where.at(index), findings) for index, item in enumerate(value)]
    return tuple(one for one in certificates if one is not None)


def _parse_certificate(value: object, where: Where, findings: Findings) -> ClientCertificate | None:
    if not isinstance(value, Mapping):
        findings.fault(where, f"must be {{cert, key}} with PEM texts, not {describe(value)}")
        return None
    known = {"cert": _pem, "key": _pem, "password": read_text, "domains": None}
    read: dict[str, Any] = {}
    for key, raw in value.items():
        place = where.at(str(key))
        if key not in known:
            findings.fault(where, f"has the unknown key {key!r}", did_you_mean(str(key), known))
        elif raw is not None:
            reader = known[key]
            parse = text_list().parse if reader is None else single(reader)
            read[key] = parse(raw, place, findings)
    for key in ("cert", "key"):
        if key not in read:
            findings.fault(where, f"has no {key}", "give the PEM text of the certificate and of its key")
    if "cert" not in read or "key" not in read or None in read.values():
        return None
    return ClientCertificate(**read)


def _pem(value: object, where: Where) -> str:
    text = read_text(value, where)
    if "-----BEGIN " not in text:
        raise WrongValueError("must be PEM text (-----BEGIN ...)")
    return text


def _show_certificates(certificates: tuple[ClientCertificate, ...]) -> list[dict[str, object]]:
    # Keys and passwords stay out of what people paste into tickets.
    return [{"cert": one.cert, "key": "(hidden)", "domains": list(one.domains)} for one in certificates]


CERTIFICATES: Final = ValueType("list of {cert, key}", _parse_certificates, show=_show_certificates)


def _read_ca(value: object, where: Where) -> str:
    """Read PEM text, or the file that holds it."""
    text = read_text(value, where)
    if "-----BEGIN " in text:
        return text
    path = Path(where.layer.directory, text)
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise WrongValueError(f"must name a readable PEM file ({reason})") from error
    if "-----BEGIN CERTIFICATE-----" not in content:
        raise WrongValueError("must name a PEM file with certificates (-----BEGIN CERTIFICATE-----)")
    return content


CA_FILE: Final = ValueType("PEM file", single(_read_ca))


# Addresses.


def _network_problem(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return f"must be an IP address or a CIDR range, not {text!r}"
    return ""


def _local_ip_problem(text: str) -> str:
    first, dash, last = text.partition("-")
    if not dash:
        return _network_problem(text).replace(" or a CIDR range", ", a CIDR range or a range a-b")
    try:
        low, high = ip_address(first.strip()), ip_address(last.strip())
    except ValueError:
        return f"must be a range of two IP addresses, not {text!r}"
    if low.version != high.version or int(low) > int(high):
        return f"must run upwards within one IP version, not {text!r}"
    return ""


def _pattern_problem(text: str) -> str:
    if not text or "*" in text[1:]:
        return f"may have one *, at its start, not {text!r}"
    return ""


_HOST_TARGET: Final = re.compile(r"\[([^\]]+)\](?::([0-9]{1,5}))?|([^:]+):([0-9]{1,5})")
_MAX_PORT: Final = 65_535


def _no_address(target: str) -> str:
    return f"must map to an IP address or address:port, not {target!r}"


def _host_problem(name: str, target: str) -> str:
    if "*" in name[1:]:
        return f"may have one *, at its start, not {name!r}"
    match = _HOST_TARGET.fullmatch(target)
    address = target if match is None else (match[1] or match[3])
    port = "" if match is None else (match[2] or match[4] or "")
    try:
        ip_address(address)
    except ValueError:
        return _no_address(target)
    return f"has the port {port}, above {_MAX_PORT}" if port and int(port) > _MAX_PORT else ""


NETWORKS: Final = text_list(_network_problem)
LOCAL_IPS: Final = text_list(_local_ip_problem)
HOST_PATTERNS: Final = text_list(_pattern_problem)
_HOST_MAP: Final = text_map(_host_problem)


def _parse_hosts(value: object, where: Where, findings: Findings) -> dict[str, str] | None:
    hosts: dict[str, str] | None = _HOST_MAP.parse(value, where, findings)
    if hosts is None or not where.layer.is_k6s:
        return hosts
    for name, target in hosts.items():
        if _host_problem("", target) == _no_address(target):
            # Go dials the machine itself where there is no address.
            _, colon, port = target.rpartition(":")
            hosts[name] = f"127.0.0.1:{port}" if colon and port.isdigit() else "127.0.0.1"
            findings.warn(f"{where.at(name)}: {target!r} is no address and stands for 127.0.0.1, as in k6")
    return hosts


HOSTS: Final = ValueType("map", _parse_hosts, _HOST_MAP.check, dict)


# Lists of known words.

TREND_STATS: Final = ("avg", "min", "med", "max", "count")
_PERCENTILE: Final = re.compile(r"p\(([0-9]+(?:\.[0-9]+)?)\)")
_HUNDRED: Final = 100


def _stat_problem(text: str) -> str:
    if text in TREND_STATS:
        return ""
    match = _PERCENTILE.fullmatch(text)
    if match is None:
        return f"must be one of {', '.join(TREND_STATS)} or p(N), not {text!r}"
    return "" if float(match[1]) <= _HUNDRED else f"must be a percentile from 0 to 100, not {text!r}"


SUMMARY_STATS: Final = text_list(_stat_problem, k6_exit_code=ExitCode.OTHER)


def _parse_system_tags(value: object, where: Where, findings: Findings) -> tuple[str, ...] | None:
    tags: tuple[str, ...] | None = text_list().parse(value, where, findings)
    known = (*SYSTEM_TAGS, *SYSTEM_TAGS_ON_REQUEST)
    for tag in tags or ():
        if tag not in known:
            # Not a fault: k6 has tags for protocols that are not here.
            findings.warn(f"{where}: the unknown system tag {tag!r} is ignored; {did_you_mean(tag, known)}")
    return None if tags is None else tuple(dict.fromkeys(tag for tag in tags if tag in known))


SYSTEM_TAG_LIST: Final = ValueType("list", _parse_system_tags, show=list)

MAX_WORKERS: Final = 1024


def _read_workers(value: object, where: Where) -> int:
    if value == "auto":
        return 0
    try:
        workers = read_int(value, where)
    except WrongValueError as error:
        raise WrongValueError("must be 'auto' or a whole number") from error
    if not 1 <= workers <= MAX_WORKERS:
        raise WrongValueError(f"must be 'auto' or from 1 to {MAX_WORKERS}")
    return workers


WORKERS: Final = ValueType("auto or a number", single(_read_workers), show=lambda number: number or "auto")


def _read_seed(value: object, where: Where) -> int:
    seed = read_int(value, where)
    if not 0 <= seed < 2**63:
        raise WrongValueError("must be from 0 to 2**63 - 1")
    return seed


SEED: Final = ValueType("whole number", single(_read_seed))
