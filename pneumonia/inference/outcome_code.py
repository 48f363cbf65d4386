"""Result of a film as a short code, for logs and metrics."""

from __future__ import annotations

from .decision import Failure, Prediction


def outcome_code(result: Prediction | Failure) -> str:
    """Return `Normal`, `Pneumonia`, `Unknown:CODE` or the code of the error; never text from the film."""
    if isinstance(result, Failure):
        return result.error.code
    return f"{result.label}:{result.reason.code}" if result.reason else str(result.label)
