"""The page's control of the prevalence: a slider in percent, and a button that returns to the model's own."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..inference.predictor import Predictor
from ..messages import message
from .film_session import SessionFilm

MIN_PERCENT, MAX_PERCENT = 1, 90
"""Range of the slider: from rare disease to an epidemic among patients who are selected for a film."""

TITLE = message("Prevalence at your hospital, and what the numbers mean")
LABEL = message("Prevalence of pneumonia, %")
INFO = message("Of 100 comparable films at your hospital, how many show pneumonia? The label does not depend on it.")
RESET = message("Back to the prevalence of the calibration")


def slider(predictor: Predictor) -> gr.Slider:
    """The slider, at the prevalence of the calibration of the first model."""
    return gr.Slider(
        MIN_PERCENT,
        MAX_PERCENT,
        value=shown_percent(predictor, None, None),
        step=1,
        label=LABEL,
        info=INFO,
        buttons=[],
        elem_id="prevalence",
    )


def reset_button() -> gr.Button:
    return gr.Button(RESET, size="sm", min_width=120, elem_id="prevalence-reset")


def to_share(percent: Any) -> float | None:
    """The prevalence 0..1 for a value of the slider, limited to its range; None for a field without a number."""
    if isinstance(percent, bool) or not isinstance(percent, (int, float)) or percent != percent:
        return None
    return min(max(percent, MIN_PERCENT), MAX_PERCENT) / 100


def shown_percent(predictor: Predictor, session_film: SessionFilm | None, prevalence: float | None) -> int:
    """The value of the slider: the chosen prevalence, by default that of the model that answered, or of the first."""
    if prevalence is None:
        model = predictor.models[0] if session_film is None else predictor.model_of(session_film.reading)
        prevalence = model.bundle.calibration.prevalence
    return min(max(round(100 * prevalence), MIN_PERCENT), MAX_PERCENT)
