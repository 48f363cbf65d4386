"""Classifies chest radiographs as Normal, Pneumonia or Unknown. A support tool, not a replacement for a radiologist."""

from __future__ import annotations

from .errors import PneumoniaError
from .inference.decision import Failure, Prediction
from .inference.predictor import Predictor, load_predictor

__all__ = ["Failure", "PneumoniaError", "Prediction", "Predictor", "load_predictor"]
__version__ = "0.1.0"
