"""The table of a run, as Markdown for readers and as JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.machine import Machine
from bench.rounds import Row

US = "davserver"


def figure(value: float | None, unit: str) -> str:
    """A figure as people read it."""
    if value is None:
        return "–"
    if unit == "B/s":
        return f"{value / 1e9:.2f} GB/s"
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def markdown(machine: Machine, names: Sequence[str], rows: Sequence[Row],
             absent: Mapping[str, str], how: str) -> str:  # fmt: skip
    """The table: medians, then how davserver stands to its goals."""
    lines = [
        heading(machine, how),
        "",
        "| | " + " | ".join(names) + " | goal | reached |",
        "|---" * (len(names) + 3) + "|",
    ]
    for row in rows:
        cells = [figure(row.median(name), row.workload.unit) for name in names]
        unit = "" if row.workload.unit == "B/s" else f" {row.workload.unit}"
        lines.append(
            f"| {row.workload.title}{unit} | " + " | ".join(cells) + " | "
            + " · ".join(f"{goal:g} × {peer}" for peer, goal in row.workload.goal.items()) + " | "
            + " · ".join(reached(row, peer, goal) for peer, goal in row.workload.goal.items())
            + " |"
        )  # fmt: skip
    for name, reason in absent.items():
        lines += ["", f"Absent: {name}: {reason.splitlines()[0]}"]
    return "\n".join([*lines, *failures(rows)]) + "\n"


def failures(rows: Sequence[Row]) -> list[str]:
    """The lines that say which figures are missing, and why."""
    return [
        line
        for row in rows
        for name, reason in row.failures.items()
        for line in ("", f"No figure: {name}, {row.workload.title}: {reason.splitlines()[0]}")
    ]


def publish(table: str, facts: str, folder: Path | None, name: str) -> None:
    """Print the ``table``; write it and the ``facts`` (JSON) into ``folder``, if there is one, as
    ``name``.md and ``name``.json."""
    print(table)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.md").write_text(table, encoding="utf-8")
        (folder / f"{name}.json").write_text(facts, encoding="utf-8")


def heading(machine: Machine, how: str) -> str:
    """On what was measured, and ``how``."""
    return (
        f"Measured on {machine['date']}: {machine['cores']} cores ({machine['processor']}), "
        f"{machine['memory_gib']} GiB, {machine['file_system']}, Python {machine['python']}; "
        f"load before {machine['load_before']}. {how}"
    )


def reached(row: Row, peer: str, goal: float) -> str:
    """The factor that was reached, and whether it is the goal."""
    ratio = row.ratio(US, peer)
    if ratio is None:
        return "–"
    return f"{ratio:.2f} ×" + (" ✓" if ratio >= goal else "")


def as_json(machine: Machine, rows: Sequence[Row], absent: Mapping[str, str]) -> str:
    """All figures of all rounds."""
    return json.dumps(
        {
            "machine": machine,
            "absent": dict(absent),
            "rows": [
                {
                    "workload": row.workload.name,
                    "unit": row.workload.unit,
                    "figures": row.figures,
                    "failures": row.failures,
                }
                for row in rows
            ],
        },
        indent=1,
        ensure_ascii=False,
    )
