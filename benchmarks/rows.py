"""Figures beside their targets, and the table of them."""

Row = dict[str, object]


def row(what: str, measured: float, unit: str = "", target: str = "-") -> Row:
    """One figure, as it is saved and as the table shows it."""
    return {"what": what, "measured": round(measured, 4), "unit": unit, "target": target}


def table(title: str, rows: list[Row]) -> str:
    """The figures as Markdown."""
    lines = [f"### {title}", "", "| what | measured | target |", "|---|---|---|"]
    lines += [f"| {row['what']} | {row['measured']:,} {row['unit']} | {row['target']} |" for row in rows]
    return "\n".join(lines) + "\n"
