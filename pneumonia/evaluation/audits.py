"""What good figures on plain test films hide: the audits of protocol `official`, beside its figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..inference.predictor import Predictor
from .dataset import FilmSet
from .robustness import robustness
from .shortcuts import shortcuts

Audit = Callable[[Predictor, FilmSet], dict[str, Any]]

AUDITS: dict[str, Audit] = {"robustness": robustness, "shortcuts": shortcuts}
"""By the name under which `evaluation.json` holds the result, in the run."""


def audits(predictor: Predictor, films: FilmSet, protocol: str) -> dict[str, Any]:
    """Every audit of the films, by name; nothing for the protocols whose models are never served."""
    return {name: audit(predictor, films) for name, audit in AUDITS.items()} if protocol == "official" else {}
