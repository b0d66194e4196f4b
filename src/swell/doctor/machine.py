"""What of this machine limits a load test, and what to change: each finding is a figure with an advice.

Read from /proc and /sys as Linux has them; what a system does not tell is left out. Nothing is changed.
"""

import os
import platform
import resource
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

Level = Literal["ok", "note", "warn"]

SO_TIMESTAMPNS: Final = 35
# Descriptors for 10,000 VUs with a connection each, and what a process needs besides.
MANY_DESCRIPTORS: Final = 12_000
MANY_PORTS: Final = 28_000
MANY_PENDING: Final = 1_024
# A loaded core answers late; above this share of the cores others are at work here.
BUSY_SHARE: Final = 0.3
STEAL_SHARE: Final = 0.02
FEW_MB: Final = 1_024
# Reading the clock goes through the kernel instead of a page that it shares.
SLOW_CLOCK_NS: Final = 400
GOOD_CLOCKS: Final = frozenset({"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"})


class Finding(msgspec.Struct, frozen=True):
    """One limit: ``warn`` may spoil a run of thousands of VUs, ``note`` is good to know."""

    name: str
    value: str
    level: Level = "ok"
    advice: str = ""


class Machine:
    """Looks at the machine; ``root`` stands for the file system's root."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def findings(self) -> list[Finding]:
        """Every finding that this system gives."""
        sources: tuple[Callable[[], Iterator[Finding]], ...] = (
            self._system,
            self._cores,
            self._memory,
            self._descriptors,
            self._ports,
            self._queues,
            self._clock,
            self._stamps,
            self._governor,
            self._others,
        )
        return [finding for source in sources for finding in source()]

    def _text(self, path: str) -> str | None:
        try:
            return (self._root / path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None

    def _number(self, path: str) -> int | None:
        text = self._text(path)
        return int(text) if text is not None and text.isdigit() else None

    def _system(self) -> Iterator[Finding]:
        yield Finding(
            "system", f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
        )

    def _cores(self) -> Iterator[Finding]:
        count = usable_cores()
        finding = Finding("cores", f"{count} usable of {os.cpu_count()}")
        if count == 1:
            advice = "generator and calibration server share the core; injected times will be late"
            finding = msgspec.structs.replace(finding, level="warn", advice=advice)
        yield finding
        quota = (self._text("sys/fs/cgroup/cpu.max") or "max").split()
        if quota[0].isdigit() and len(quota) == 2:  # noqa: PLR2004  # quota and period
            cores = int(quota[0]) / int(quota[1])
            advice = (
                "the container is stopped when its share is used up: VUs then stand still for up to 100 ms"
            )
            level: Level = "warn" if cores < count else "ok"
            yield Finding("cpu quota", f"{cores:g} cores", level, advice if level == "warn" else "")

    def _memory(self) -> Iterator[Finding]:
        for line in (self._text("proc/meminfo") or "").splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                megabytes = int(rest.split()[0]) // 1024
                few = megabytes < FEW_MB
                advice = "a VU takes some 20 KB and up; more than the memory makes every answer late"
                yield Finding(
                    "memory available", f"{megabytes:,} MB", "warn" if few else "ok", advice if few else ""
                )

    def _descriptors(self) -> Iterator[Finding]:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        shown = "unlimited" if hard == resource.RLIM_INFINITY else f"{hard:,}"
        finding = Finding(
            "file descriptors", f"{shown} a process (now {soft:,}; workers raise it themselves)"
        )
        if hard != resource.RLIM_INFINITY and hard < MANY_DESCRIPTORS:
            finding = msgspec.structs.replace(
                finding,
                level="warn",
                advice=(
                    f"a worker holds fewer than {hard:,} connections; raise it: "
                    "ulimit -Hn 65536, or LimitNOFILE= of the service, or --ulimit of the container"
                ),
            )
        yield finding

    def _ports(self) -> Iterator[Finding]:
        low, _, high = (
            (self._text("proc/sys/net/ipv4/ip_local_port_range") or "").replace("\t", " ").partition(" ")
        )
        if low.isdigit() and high.strip().isdigit():
            count = int(high) - int(low) + 1
            few = count < MANY_PORTS
            advice = "widen it: sysctl net.ipv4.ip_local_port_range='1024 65535', or use --local-ips"
            yield Finding(
                "local ports",
                f"{count:,} per pair of addresses ({low}-{high.strip()})",
                "warn" if few else "ok",
                advice if few else "",
            )
        reuse = self._number("proc/sys/net/ipv4/tcp_tw_reuse")
        if reuse is not None:
            meaning = {0: "0 (never)", 1: "1 (always)", 2: "2 (loopback only)"}.get(reuse, str(reuse))
            advice = (
                "a closed port waits 60 s: without keep-alive some 470 new connections a second are the limit"
            )
            remedy = "; sysctl net.ipv4.tcp_tw_reuse=1"
            level: Level = {0: "warn", 2: "note"}.get(reuse, "ok")  # type: ignore[assignment]  # a Level
            yield Finding("tcp_tw_reuse", meaning, level, advice + remedy if level != "ok" else "")

    def _queues(self) -> Iterator[Finding]:
        for name in ("core/somaxconn", "ipv4/tcp_max_syn_backlog"):
            value = self._number(f"proc/sys/net/{name}")
            if value is not None:
                few = value < MANY_PENDING
                setting = f"net.{name.replace('/', '.')}"
                advice = f"matters where the target runs here too: sysctl {setting}=4096"
                yield Finding(
                    name.rpartition("/")[2], f"{value:,}", "note" if few else "ok", advice if few else ""
                )
        tracked = self._number("proc/sys/net/netfilter/nf_conntrack_max")
        if tracked is not None:
            few = tracked < 10 * MANY_DESCRIPTORS // 2
            advice = "a firewall tracks each connection and drops packets when its table is full: raise it"
            yield Finding("nf_conntrack_max", f"{tracked:,}", "note" if few else "ok", advice if few else "")

    def _clock(self) -> Iterator[Finding]:
        source = self._text("sys/devices/system/clocksource/clocksource0/current_clocksource")
        cost_ns = clock_cost_ns()
        slow = cost_ns > SLOW_CLOCK_NS or (source is not None and source not in GOOD_CLOCKS)
        advice = "each reading of this clock is a system call or slower; tsc is what you want (see dmesg)"
        yield Finding(
            "clock",
            f"{source or platform.system()}, {cost_ns:.0f} ns a reading",
            "warn" if slow else "ok",
            advice if slow else "",
        )

    def _stamps(self) -> Iterator[Finding]:
        lateness = kernel_stamp_ns()
        if lateness is None:
            advice = "latencies then include the generator's own delay; the verdict says when that matters"
            yield Finding("kernel receive stamps", "none", "warn", advice)
        else:
            yield Finding("kernel receive stamps", f"work (read {lateness / 1000:.0f} µs later here)")

    def _governor(self) -> Iterator[Finding]:
        cpus = sorted((self._root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor"))
        governors = {path.read_text(encoding="utf-8").strip() for path in cpus}
        if not governors:
            yield Finding("cpu governor", "not told (a virtual machine, or fixed)")
            return
        slow = governors != {"performance"}
        advice = "cores that wake up slowly add to low latencies: cpupower frequency-set -g performance"
        yield Finding(
            "cpu governor", ", ".join(sorted(governors)), "note" if slow else "ok", advice if slow else ""
        )

    def _others(self) -> Iterator[Finding]:
        load = (self._text("proc/loadavg") or "").split()
        cores = usable_cores()
        if load:
            busy = float(load[0]) / cores
            advice = (
                "other programs are at work here: the load may be late, and a target on this machine slow"
            )
            level: Level = "warn" if busy > BUSY_SHARE else "ok"
            yield Finding(
                "load average", f"{load[0]} on {cores} cores", level, advice if level == "warn" else ""
            )
        steal = self._steal_share()
        if steal is not None:
            high = steal > STEAL_SHARE
            advice = "the host gives this virtual machine's cores to others: choose a dedicated one"
            yield Finding(
                "cpu steal", f"{steal:.1%} since boot", "warn" if high else "ok", advice if high else ""
            )

    def _steal_share(self) -> float | None:
        """Of the time in which something ran, how much the host of this virtual machine kept."""
        fields = (self._text("proc/stat") or "").partition("\n")[0].split()[1:]
        if len(fields) < 8:  # noqa: PLR2004  # user nice system idle iowait irq softirq steal
            return None
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
        ran = user + nice + system + irq + softirq + steal
        return steal / ran if ran else 0.0


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def clock_cost_ns(times: int = 2_000) -> float:
    """How long a reading of the monotonic clock takes: the best of five series, in nanoseconds."""
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter_ns()
        for _ in range(times):
            time.monotonic_ns()
        best = min(best, (time.perf_counter_ns() - started) / times)
    return best


def kernel_stamp_ns() -> int | None:
    """How long after the kernel's stamp a segment was read on a connection to ourselves; None without one."""
    with socket.socket() as listener, socket.socket() as client:
        try:
            client.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            client.settimeout(2)
            client.connect(listener.getsockname())
            server, _ = listener.accept()
            # The kernel begins to stamp soon after the first socket asks for it, not at once.
            for _ in range(50):
                server.send(b"x")
                _data, ancillary, _flags, _address = client.recvmsg(16, 64)
                if ancillary:
                    break
                time.sleep(0.002)
            server.close()
        except (OSError, AttributeError):
            return None
        if not ancillary:
            return None
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
        stamp_ns: int = seconds * 1_000_000_000 + nanoseconds
        return max(0, time.time_ns() - stamp_ns)
