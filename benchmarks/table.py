"""The results of all benchmarks as a Markdown table and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .measure import Row

HEADING = (
    "| measurement | compared with | required | aim | median (lowest to highest) | result |",
    "|---|---|---|---|---|---|",
)
"""Column headings. `Row.must` is in the column "required"."""


def markdown(rows: Sequence[Row], breakdown: Mapping[str, float]) -> str:
    """Markdown with all rows, their notes, the machine, and the time of each step of one film."""
    lines = [*HEADING, *(_line(row) for row in rows)]
    notes = [f"* {row.what}: {row.note}" for row in rows if row.note]
    sections = [lines, notes, [f"Measured on {machine()}."], _breakdown(breakdown)]
    return "\n\n".join("\n".join(section) for section in sections if section)


def as_json(rows: Sequence[Row], breakdown: Mapping[str, float]) -> dict[str, Any]:
    """JSON object with machine, rows and steps. `breakdown` has the milliseconds of each step.

    No figure is rounded: the table that is made again from the object is the same.
    """
    return {
        "machine": machine(),
        "rows": [
            {
                "what": row.what,
                "compared_with": row.compared_with,
                "median": row.median,
                "ratios": list(row.ratios),
                "must": row.must,
                "aim": row.aim,
                "at_least": row.at_least,
                "unit": row.unit,
                "met": None if row.must is None else row.reaches(row.must),
                "note": row.note,
            }
            for row in rows
        ],
        "breakdown_ms": dict(breakdown),
    }


def machine() -> str:
    """Processor, number of cores available to this process, operating system and Python version, as text."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_processor()}, {cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "processor unknown"
    model_names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(model_names, "processor unknown")


def _line(row: Row) -> str:
    sign = ">=" if row.at_least else "<="
    median, lowest, highest = (_format(value, row.unit) for value in (row.median, min(row.ratios), max(row.ratios)))
    measured = f"**{median}** ({lowest} to {highest})"
    targets = (f"{sign} {_format(target, row.unit)}" if target is not None else "" for target in (row.must, row.aim))
    return f"| {row.what} | {row.compared_with} | {' | '.join(targets)} | {measured} | {_result(row)} |"


def _result(row: Row) -> str:
    if row.must is None:
        return "no target"
    return "aim" if row.reaches(row.aim) else "met" if row.reaches(row.must) else "MISSED"


def _format(value: float, unit: str) -> str:
    if unit != "x":
        return f"{value:+.0f} {unit}"
    return f"{value:.2f}x" if value < 10 else f"{value:.0f}x"


def _breakdown(step_ms: Mapping[str, float]) -> list[str]:
    if not step_ms:
        return []
    lines = ["| step of `/analyze`, one film | ms | share |", "|---|---|---|"]
    total = sum(step_ms.values())
    return lines + [f"| {name} | {value:.2f} | {100 * value / total:.0f} % |" for name, value in step_ms.items()]
