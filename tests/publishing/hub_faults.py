"""Faults of the Hub in the steps of a run, as parameters of a test."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from ..support.writable_hub import Break

Fault = Break | int


def faults_of_steps(faults: Mapping[str, Sequence[Fault]], fast: Collection[tuple[str, Fault]]) -> list[Any]:
    """A parameter (step, fault) for each fault of each step; those that are not in `fast` are marked slow."""
    return [
        pytest.param(step, fault, marks=[] if (step, fault) in fast else [pytest.mark.slow])
        for step in faults
        for fault in faults[step]
    ]
