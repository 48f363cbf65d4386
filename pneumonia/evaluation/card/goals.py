"""Card section on the goals that were set before a network with a lung head was trained, missed ones included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import targets


def section(config: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """Table of all goals, and what went badly: those that were missed."""
    rows = targets.goals(config, evaluation)
    missed = [row for row in rows if row.result == targets.MISSED]
    return f"""
## Goals and what was reached

The goals were set before training. {targets.summary(rows)} `docs/experiments.md` lists the experiments and their
results.

{targets.table(rows).to_markdown()}

## What went badly

{_bad_results(missed)}
"""


def _bad_results(missed: list[targets.Goal]) -> str:
    if not missed:
        return "No goal that was measured was missed. The limits at the end of this card remain."
    lines = []
    for row in missed:
        criterion, required, _, measured, _ = row.cells()
        lines.append(f"* {criterion}: {measured} instead of {required}.")
    return "\n".join(lines)
