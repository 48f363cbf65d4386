"""The page's sentences and small pieces of HTML. Everything that comes from outside is escaped here."""

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

NOTICE = f"{DISCLAIMER} Films are deleted from this server soon after they were judged."

NO_FILM = (
    '<div class="answer waiting"><p>The answer appears here as soon as a film is dropped: Normal, Pneumonia, or '
    "Unknown with the reason.</p></div>"
)

READING = (
    '<div class="answer waiting" role="status"><p>This film is being read. If others came first, it waits its turn.'
    "</p></div>"
)
"""From the moment that a film is dropped: the answer of the film before it must not stand there."""

VIEWER_CAPTION = (
    '<div class="caption"><span>The film as the model saw it. Its left is taken for the patient\'s right.</span>'
    '<button id="full-screen" type="button">Full screen</button></div>'
)

INTENDED_USE = """\
<section id="intended-use"><h2>Is it made for my patient?</h2><div class="intended-use">
<div class="intended"><h3><span aria-hidden="true">✓</span> Made for</h3><ul>
<li>a child of 1-5 years,</li>
<li>one frontal film, taken from front to back, upright and whole,</li>
<li>the question "pneumonia or not", where pneumonia is suspected,</li>
<li>a reader who can read the film without it.</li></ul></div>
<div class="not-intended"><h3><span aria-hidden="true">✕</span> Not made for</h3><ul>
<li>adults, older children, infants under one year,</li>
<li>lateral films, CT, other parts of the body,</li>
<li>tuberculosis, effusion, fractures, foreign bodies, tubes: it was never taught them,
and Normal does not exclude them,</li>
<li>telling bacterial from viral pneumonia,</li>
<li>a decision without a physician.</li></ul></div>
<div class="not-validated"><h3><span aria-hidden="true">?</span> Not known</h3><ul>
<li>Your hospital. All films that it learnt from were taken in one, the Guangzhou Women and Children's Medical Center.
Try it on films whose answers you know before you trust it.</li>
<li>Age, sex, ventilation, earlier disease: the films came without them.</li></ul></div>
</div></section>"""


def headline(prediction: Prediction) -> str:
    """The answer in large letters, how sure, why Unknown, and the warnings."""
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
    """Under the bars: what share of ill children the probabilities take for granted."""
    return (
        f"The probabilities assume that {100 * prevalence:.0f} % of the films show pneumonia, as among the films that "
        "the model was calibrated on. Where fewer do, a positive answer proves less."
    )


def failure(result: Failure) -> str:
    """What was wrong with the file, in the answer's place."""
    text, code = escape(result.error.message), escape(result.error.code)
    return f'<div class="answer failed" role="alert"><h2>No answer</h2><p>{text}</p><p><code>{code}</code></p></div>'


def film_deleted() -> str:
    """In the answer's place, where a film's time is over and someone asks more of it."""
    return f'<div class="answer failed" role="alert"><h2>Film deleted</h2><p>{deletion_message()}</p></div>'


def deletion_message() -> str:
    """Why nothing more can be had of a film."""
    minutes = settings.RETENTION_S.read() / 60
    return f"Films are deleted {minutes:g} minutes after they were judged. Drop it once more to go on."


def model_line(model: ModelIdentity, figures: Mapping[str, Any]) -> str:
    """Which model answers, and how good it was on the films that everybody compares."""
    line = f"Model **{escape(model.name)}**, revision `{escape(model.revision[:12])}`, sha256 `{model.sha256[:12]}`."
    official = figures.get("official")
    if official is None:
        return line
    metrics = ", ".join(
        f"{name} {percent(official[name])}"
        for name in ("accuracy", "sensitivity", "specificity")
        if official[name]["value"] is not None
    )
    return f"{line} On the official test films, with 95 % intervals: {metrics}."


def external_validation_note(external: Sequence[Mapping[str, Any]]) -> str:
    """How far the model carries: a sentence for each foreign set of films in the evaluation, or nothing."""
    return " ".join(
        f"On {escape(entry['of'])} ({escape(entry['name'])}, {entry['films']['total']:,} films) it is "
        f"{escape(entry['verdict'])}: AUROC {score(entry['figures']['auroc'], 2)}; the gate refuses "
        f"{100 * entry['service']['refused']['value']:.0f} % of them."
        for entry in external
    )
