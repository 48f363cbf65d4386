"""Audits of the `official` model: robustness to perturbations, and shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..inference.model import Model
from .dataset import FilmSet
from .robustness import robustness
from .shortcuts import shortcuts

Audit = Callable[[Model, FilmSet], dict[str, Any]]

AUDITS: dict[str, Audit] = {"robustness": robustness, "shortcuts": shortcuts}
"""Audits by the key of their result in a run of `evaluation.json`."""


def audits(model: Model, films: FilmSet, protocol: str) -> dict[str, Any]:
    """Results of all audits, by key. Empty for protocols other than `official`, whose models are never served."""
    return {name: audit(model, films) for name, audit in AUDITS.items()} if protocol == "official" else {}
