"""The page's sentences and small pieces of HTML. Everything that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..decision import CLASSES, UNKNOWN, Failure, ModelIdentity, Prediction

TITLE = "Chest-film assistant"

INTRODUCTION = (
    "Drop a frontal chest film. The answer is **Normal**, **Pneumonia** or **Unknown**, with how sure the model is and "
    "where it looked. Made for children of 1-5 years, learnt from films of one hospital."
)

NO_DEVICE = (
    "**A support tool for medical staff, not a replacement for a radiologist.** It is no medical device. It can be "
    "wrong with high confidence; nobody should be treated, or sent home, because of its answer."
)

NOTICE = f"{NO_DEVICE} Films are deleted from this server soon after they were judged."

WAITING = '<div class="answer waiting"><p>The answer appears here as soon as a film is dropped.</p></div>'

MARKS = {CLASSES[0]: "●", CLASSES[1]: "▲", UNKNOWN: "?"}
"""A shape for each answer, so that none is told by colour alone."""


def headline(prediction: Prediction) -> str:
    """The answer in large letters, how sure, why Unknown, and the warnings."""
    label = prediction.label
    how = f" <small>{sure(prediction.confidence)}</small>" if prediction.confidence is not None else ""
    reason = f"<p>{escape(prediction.reason.message)}</p>" if prediction.reason else ""
    warnings = "".join(f'<p class="warning">{escape(warning)}</p>' for warning in prediction.warnings)
    mark = f'<span class="mark" aria-hidden="true">{MARKS[label]}</span>'
    return f'<div class="answer {label.lower()}" role="status"><h2>{mark} {label}{how}</h2>{reason}{warnings}</div>'


def sure(confidence: float) -> str:
    """No number of validation films supports "100 %"."""
    return f"{share(confidence)} sure"


def share(probability: float) -> str:
    """A probability as far as the validation films support it."""
    if not 0.01 <= probability <= 0.99:
        return "over 99 %" if probability > 0.5 else "under 1 %"
    return f"{100 * probability:.0f} %"


def prevalence_note(prevalence: float) -> str:
    """Under the bars: what share of ill children the probabilities take for granted."""
    return (
        f"The probabilities assume that {100 * prevalence:.0f} % of the films show pneumonia, as among the films that "
        "the model was calibrated on. Where fewer do, a positive answer proves less."
    )


def failure(failed: Failure) -> str:
    """What was wrong with the file, in the answer's place."""
    text, code = escape(failed.error.message), escape(failed.error.code)
    return f'<div class="answer failed" role="alert"><h2>No answer</h2><p>{text}</p><p><code>{code}</code></p></div>'


def model_line(model: ModelIdentity, figures: Mapping[str, Any]) -> str:
    """Which model answers, and how good it was on the films that everybody compares."""
    line = f"Model **{escape(model.name)}**, revision `{escape(model.revision[:12])}`, sha256 `{model.sha256[:12]}`."
    official = figures.get("official")
    if official is None:
        return line
    shown = ", ".join(
        f"{name} {percent(official[name])}"
        for name in ("accuracy", "sensitivity", "specificity")
        if official[name]["value"] is not None
    )
    return f"{line} On the official test films, with 95 % intervals: {shown}."


def elsewhere(external: Sequence[Mapping[str, Any]]) -> str:
    """How far the model carries: a sentence for each foreign set of films in the evaluation, or nothing."""
    return " ".join(
        f"On {escape(entry['of'])} ({escape(entry['name'])}, {entry['films']['total']:,} films) it is "
        f"{escape(entry['verdict'])}: AUROC {_area(entry['figures']['auroc'])}; the gate refuses "
        f"{100 * entry['service']['refused']['value']:.0f} % of them."
        for entry in external
    )


def _area(figure: Mapping[str, float | None]) -> str:
    """`.56 (.49-.63)`; a dash where films of one class are missing."""
    if figure["value"] is None:
        return "-"
    value, low, high = (f"{figure[name]:.2f}".removeprefix("0") for name in ("value", "low", "high"))
    return f"{value} ({low}-{high})"


def percent(figure: Mapping[str, float]) -> str:
    """`93.1 % (90.9-95.0)`."""
    value, low, high = (100 * figure[name] for name in ("value", "low", "high"))
    return f"{value:.1f} % ({low:.1f}-{high:.1f})"
