"""The machine's limits, read from a file system that the test makes."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from swell.doctor import machine
from swell.doctor.machine import Finding, Machine, clock_cost_ns, kernel_stamp_ns

GOOD = {
    "proc/meminfo": "MemTotal: 8 kB\nMemAvailable: 16000000 kB\n",
    "proc/sys/net/ipv4/ip_local_port_range": "1024\t65535\n",
    "proc/sys/net/ipv4/tcp_tw_reuse": "1\n",
    "proc/sys/net/core/somaxconn": "4096\n",
    "proc/sys/net/ipv4/tcp_max_syn_backlog": "2048\n",
    "proc/loadavg": "0.01 0.02 0.03 1/100 7\n",
    "proc/stat": "cpu  100 0 100 900 0 0 0 0 0 0\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    "sys/fs/cgroup/cpu.max": "max 100000\n",
}


@pytest.fixture(autouse=True)
def _steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts that measure instead of reading a file."""
    monkeypatch.setattr(machine, "clock_cost_ns", lambda: 60.0)
    monkeypatch.setattr(machine, "kernel_stamp_ns", lambda: 30_000)
    monkeypatch.setattr(machine, "usable_cores", lambda: 4)
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (65_536, 65_536))


def findings(folder: Path, changes: Mapping[str, str] | None = None) -> dict[str, Finding]:
    """What is found on a good machine with some files changed."""
    for name, text in (GOOD | dict(changes or {})).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {finding.name: finding for finding in Machine(folder).findings()}


def test_a_good_machine_has_nothing_to_change(tmp_path: Path) -> None:
    """Every finding is ok, and none has an advice."""
    found = findings(tmp_path)
    assert {finding.level for finding in found.values()} == {"ok"}
    assert {finding.advice for finding in found.values()} == {""}


@pytest.mark.parametrize(
    ("path", "text", "name", "level"),
    [
        ("proc/meminfo", "MemAvailable: 500000 kB\n", "memory available", "warn"),
        ("proc/sys/net/ipv4/ip_local_port_range", "60000 61000\n", "local ports", "warn"),
        ("proc/sys/net/ipv4/tcp_tw_reuse", "0\n", "tcp_tw_reuse", "warn"),
        ("proc/sys/net/ipv4/tcp_tw_reuse", "2\n", "tcp_tw_reuse", "note"),
        ("proc/sys/net/core/somaxconn", "128\n", "somaxconn", "note"),
        ("proc/loadavg", "3.2 1 1 1/1 1\n", "load average", "warn"),
        ("proc/stat", "cpu  100 0 100 900 0 0 0 50 0 0\n", "cpu steal", "warn"),
        ("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n", "clock", "warn"),
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n", "cpu governor", "note"),
        ("sys/fs/cgroup/cpu.max", "150000 100000\n", "cpu quota", "warn"),
        ("proc/sys/net/netfilter/nf_conntrack_max", "4096\n", "nf_conntrack_max", "note"),
    ],
)
def test_each_limit_is_found_with_an_advice(
    tmp_path: Path, path: str, text: str, name: str, level: str
) -> None:
    """What is too low or slow says what to change; the others stay ok."""
    found = findings(tmp_path, {path: text})
    assert found[name].level == level
    assert found[name].advice
    assert {finding.name for finding in found.values() if finding.level != "ok"} == {name}


def test_a_system_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    """Without /proc and /sys only what needs neither is found."""
    found = {finding.name for finding in Machine(tmp_path).findings()}
    assert {"cores", "file descriptors", "kernel receive stamps"} <= found
    assert "local ports" not in found


def test_few_descriptors_one_core_and_no_stamps_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The findings that come from the process itself."""
    monkeypatch.setattr(machine, "kernel_stamp_ns", lambda: None)
    monkeypatch.setattr(machine, "usable_cores", lambda: 1)
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (1_024, 4_096))
    found = findings(tmp_path)
    assert [found[name].level for name in ("cores", "file descriptors", "kernel receive stamps")] == [
        "warn",
        "warn",
        "warn",
    ]


def test_the_kernel_and_the_clock_are_asked() -> None:
    """A stamp lies before the read; reading the clock takes some time."""
    stamped = kernel_stamp_ns()
    assert stamped is None or stamped >= 0
    assert 0 < clock_cost_ns(10) < 1e9
