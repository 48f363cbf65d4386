"""Chest films in; Normal, Pneumonia or Unknown out. A support tool, not a replacement for a radiologist."""

from __future__ import annotations

from .errors import PneumoniaError
from .inference.decision import Failure, Prediction
from .inference.predictor import Predictor
from .inference.sources import load_bundle

__all__ = ["Failure", "PneumoniaError", "Prediction", "Predictor", "load_predictor"]
__version__ = "0.1.0"


def load_predictor(model: str | None = None, *, threads: int | None = None) -> Predictor:
    """A predictor for the embedded model (""), a folder ("runs/best") or the Hub ("owner/name@revision").

    None reads the setting `PNEUMONIA_MODEL`. Raises a `PneumoniaError` where the model cannot be had; no other model is
    ever taken in its place.
    """
    return Predictor(load_bundle(model), threads)
