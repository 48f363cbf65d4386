"""Texts and HTML fragments of the page. They escape all text from outside, such as file names and bundle contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .. import settings
from ..evaluation.number_format import percent, score
from ..inference.decision import Failure, ModelIdentity, Prediction
from ..reporting.wording import DISCLAIMER, MARKS, TITLE, format_confidence

INTRODUCTION = (
    "Frontal chest films of children of 1-5 years: Normal, Pneumonia or Unknown. "
    "<strong>A support tool, not a replacement for a radiologist.</strong>"
)

HEAD = f"""\
<header class="head"><h1>{TITLE}</h1>
<button id="scheme" type="button" aria-label="Dark or light page"><span aria-hidden="true">◐</span></button>
<p>{INTRODUCTION}</p></header>"""

NOTICE = f"{DISCLAIMER} Films are deleted from this server shortly after analysis."

NO_FILM = (
    '<div class="answer waiting"><p>Drop a film to get an answer: Normal, Pneumonia, or Unknown with the reason.'
    "</p></div>"
)

READING = (
    '<div class="answer waiting" role="status"><p>Analysing the film. Films that were queued earlier come first.'
    "</p></div>"
)
"""Shown as soon as a film is dropped, so that the previous answer is not taken for that of the new film."""

VIEWER_CAPTION = (
    '<div class="caption"><span>The film as the model received it. '
    "Its left side is assumed to be the patient's right.</span>"
    '<button id="full-screen" type="button">Full screen</button></div>'
)

INTENDED_USE = """\
<section id="intended-use"><h2>Is it intended for my patient?</h2><div class="intended-use">
<div class="intended"><h3><span aria-hidden="true">✓</span> Intended for</h3><ul>
<li>a child of 1-5 years,</li>
<li>one frontal film: AP projection, upright, complete,</li>
<li>the question "pneumonia or not?" when pneumonia is suspected,</li>
<li>a reader who can interpret the film without this tool.</li></ul></div>
<div class="not-intended"><h3><span aria-hidden="true">✕</span> Not intended for</h3><ul>
<li>adults, older children, infants under one year,</li>
<li>lateral films, CT, other body regions,</li>
<li>tuberculosis, effusion, fractures, foreign bodies, tubes: the model was not trained on these,
and Normal does not exclude them,</li>
<li>distinguishing bacterial from viral pneumonia,</li>
<li>decisions without a physician.</li></ul></div>
<div class="not-validated"><h3><span aria-hidden="true">?</span> Not validated</h3><ul>
<li>Your hospital. All training films come from one hospital, the Guangzhou Women and Children's Medical Center.
Test the tool on films with known diagnoses before you rely on it.</li>
<li>The influence of age, sex, ventilation and previous disease: the films have no such data.</li></ul></div>
</div></section>"""


def headline(prediction: Prediction) -> str:
    """HTML with label, confidence, reason for Unknown, and warnings."""
    label = prediction.label
    confidence = (
        f" <small>{format_confidence(prediction.confidence)}</small>" if prediction.confidence is not None else ""
    )
    reason = f"<p>{escape(prediction.reason.message)}</p>" if prediction.reason else ""
    warnings = "".join(f'<p class="warning">{escape(warning)}</p>' for warning in prediction.warnings)
    mark = f'<span class="mark" aria-hidden="true">{MARKS[label]}</span>'
    return (
        f'<div class="answer {label.lower()}" role="status"><h2>{mark} {label}{confidence}</h2>{reason}{warnings}</div>'
    )


def prevalence_note(prevalence: float) -> str:
    """Sentences on the prevalence (0..1) that the probabilities assume, shown below the operating points."""
    return (
        f"The probabilities assume that {100 * prevalence:.0f} % of the films show pneumonia, as in the calibration "
        "films. At a lower prevalence, Pneumonia is more often a false alarm."
    )


def failure(result: Failure) -> str:
    """HTML with the error of a file, shown instead of the answer."""
    text, code = escape(result.error.message), escape(result.error.code)
    return f'<div class="answer failed" role="alert"><h2>No answer</h2><p>{text}</p><p><code>{code}</code></p></div>'


def film_deleted() -> str:
    """HTML shown instead of the answer if the film was deleted before a further request."""
    return f'<div class="answer failed" role="alert"><h2>Film deleted</h2><p>{deletion_message()}</p></div>'


def deletion_message() -> str:
    """Sentences for a film that was deleted: the reason, and how to continue."""
    minutes = settings.RETENTION_S.read() / 60
    return f"Films are deleted {minutes:g} minutes after analysis. Drop the film again to continue."


def model_line(model: ModelIdentity, figures: Mapping[str, Any]) -> str:
    """Markdown line with the served model and its figures on the official test set, if they exist.

    Publications compare models on this test set.
    """
    line = f"Model **{escape(model.name)}**, revision `{escape(model.revision[:12])}`, sha256 `{model.sha256[:12]}`."
    official = figures.get("official")
    if official is None:
        return line
    metrics = ", ".join(
        f"{name} {percent(official[name])}"
        for name in ("accuracy", "sensitivity", "specificity")
        if official[name]["value"] is not None
    )
    return f"{line} On the official test set, with 95 % intervals: {metrics}."


def external_validation_note(external: Sequence[Mapping[str, Any]]) -> str:
    """One sentence of Markdown for each entry of `external` in the evaluation; "" without entries."""
    return " ".join(
        f"On {escape(entry['of'])} ({escape(entry['name'])}, {entry['films']['total']:,} films) the model is "
        f"{escape(entry['verdict'])}: AUROC {score(entry['figures']['auroc'], 2)}; the gate refuses "
        f"{100 * entry['service']['refused']['value']:.0f} % of them."
        for entry in external
    )
