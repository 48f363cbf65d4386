"""Predictions without a model."""

from __future__ import annotations

from typing import Any

from pneumonia import Prediction
from pneumonia.inference.decision import (
    ModelIdentity,
)

MODEL = ModelIdentity("embedded", "abc123", "f" * 64)


def prediction(label: str, probability: float | None, **overrides: Any) -> Prediction:
    fields: dict[str, Any] = {
        "file": "film.jpg",
        "operating_point": "balanced",
        "reason": None,
        "zones": None,
        "model": MODEL,
        **overrides,
    }
    return Prediction(label=label, probability=probability, **fields)
