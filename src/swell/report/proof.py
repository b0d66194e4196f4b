"""The table of proofs as Markdown: fault, what failed, as expected or not, and what nothing makes fail."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_HEAD = """\
# Every objective can fail

*Made by `swell suite prove`; the faults and what each must make fail stand in `faults.toml` of each suite.*

Each test ran with the profile `{profile}`, or the one that the fault names, against the
[reference platform](target.md): first healthy, where nothing may fail, then with each
[fault](target.md#faults). An objective that no fault makes fail proves nothing by passing; one that failed
for want of *data* counts as one that did not fail.

| test | fault | failed | as expected |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRow:
    """What came of one case: ``names`` are all objectives and invariants that were judged.

    ``failed`` are those that failed by what was seen of them, ``unseen`` those that failed because nothing
    was.
    """

    test: str
    fault: str
    expected: frozenset[str]
    failed: frozenset[str]
    names: tuple[str, ...]
    expected_unseen: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()
    error: str = ""
    # Why what was measured is not the target's, where the machine was not up to it.
    doubt: str = ""

    @property
    def is_as_expected(self) -> bool:
        """Whether exactly that failed which had to."""
        return not self.error and (self.failed, self.unseen) == (self.expected, self.expected_unseen)

    @property
    def outcome(self) -> str:
        """In words."""
        if self.error:
            return f"did not run: {self.error}"
        if self.is_as_expected:
            without = f", without data {_listed(self.unseen)}" if self.unseen else ""
            return f"as expected: {_listed(self.failed) or 'nothing'} failed{without}"
        parts = [
            f"{what}: {_listed(names)}"
            for what, names in (
                ("failed and should not have", self.failed - self.expected),
                ("did not fail and should have", self.expected - self.failed - self.unseen),
                ("had no data and should have", self.unseen - self.expected_unseen),
                ("had data and should not have", self.expected_unseen - self.unseen - self.failed),
            )
            if names
        ]
        return "; ".join(parts)


def unproved(rows: Sequence[ProofRow]) -> dict[str, list[str]]:
    """The objectives and invariants of each test that failed in none of its rows."""
    found: dict[str, list[str]] = {}
    for test in dict.fromkeys(row.test for row in rows):
        own = [row for row in rows if row.test == test]
        failed = frozenset().union(*(row.failed for row in own))
        names = dict.fromkeys(name for row in own for name in row.names)
        left = [name for name in names if name not in failed]
        if left:
            found[test] = left
    return found


def proof_page(rows: Sequence[ProofRow], profile: str) -> str:
    """The whole page."""
    lines = [_HEAD.format(profile=profile)]
    for row in rows:
        shown = [f"`{_cell(name)}`" for name in sorted(row.failed)]
        shown += [f"no data: `{_cell(name)}`" for name in sorted(row.unseen)]
        failed = "<br>".join(shown) or "nothing"
        expected = "yes" if row.is_as_expected else f"no: {_cell(row.outcome)}"
        lines.append(f"| {row.test} | {_cell(row.fault) or 'none: healthy'} | {failed} | {expected} |\n")
    left = unproved(rows)
    lines.append("\n## What no fault makes fail\n\n")
    if not left:
        lines.append("Nothing: each objective and each invariant failed at least once.\n")
    for test, names in left.items():
        lines.append(f"- {test}: {', '.join(f'`{name}`' for name in names)}\n")
    return "".join(lines)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
