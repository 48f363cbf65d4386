"""Everything that is measured on the test films of a run, for each protocol."""

from __future__ import annotations

from typing import Any

from ..inference.model import Model
from .adult_figures import adult_figures
from .assess import FilmScores, evaluate
from .audits import audits
from .dataset import FilmSet
from .protocols import ADULTS


def run_entry(model: Model, films: FilmSet, scores: FilmScores, protocol: str) -> dict[str, Any]:
    """Metrics, curves and audits of a run in `evaluation.json`; for adults also by reading and by source."""
    by_reading = adult_figures(films, scores, model.operating_points) if protocol == ADULTS else {}
    return {**evaluate(films, scores, model), **by_reading, **audits(model, films, protocol)}
