"""Texts of the page as HTML, Markdown or plain text.

Templates escape the values in HTML. The Markdown texts escape names from a bundle themselves, because Gradio renders
HTML within Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .. import settings
from ..errors import EmptyFile, NoPixels, UnreadableImage
from ..evaluation.number_format import score
from ..inference.bundle import Bundle
from ..inference.decision import LABEL_NAMES, Failure, Prediction
from ..inference.populations import POPULATIONS, Population
from ..messages import Message, join, message
from ..reporting import answer_text, provenance
from ..reporting.unbroken_figures import message_with_unbroken_figures
from ..reporting.unbroken_percent import markdown_with_unbroken_percent
from ..reporting.wording import DISCLAIMER, TITLE, format_p_pneumonia
from .rendering import render

NOTICE = message_with_unbroken_figures(
    join([DISCLAIMER, message("Films are deleted from this server shortly after analysis.")])
)

DROP = message("Drop a film, paste it, or click")
NEXT = message("Next film: drop, paste, or click")


def head(populations: Sequence[Population]) -> str:
    """HTML header of the page: title, switch between dark and light, introduction with the patients of the models."""
    patients = populations[0].description
    if len(populations) > 1:
        patients = message("{first} and of {second}", first=patients, second=populations[1].description)
    return render("head.html", title=TITLE, patients=patients, drop=DROP, next=NEXT)


def no_film() -> str:
    """HTML shown instead of the answer before the first film."""
    return render("no_film.html")


def reading() -> str:
    """HTML shown as soon as a film is dropped, so that the previous answer is not taken for that of the new film."""
    return render("reading.html")


class _SizePlaceholder:
    """Stands for the size of a file in a sentence that the browser completes."""

    def __format__(self, _: str) -> str:
        return "{size}"


def sending() -> str:
    """HTML with the texts that `film_input.js` shows while a film is sent, and if it cannot be sent."""
    limit_mb = settings.MAX_FILE_MB.read()
    too_large = message(
        "The file is too large. Allowed: {limit_mb} MB. Received: {size:.1f} MB.",
        limit_mb=limit_mb,
        size=_SizePlaceholder(),
    )
    several = message(
        "Several files were dropped, and none was read. Drop one film here, or all of them in the tab “{tab}”.",
        tab=message("Many films"),
    )
    return render("sending.html", max_bytes=limit_mb * 1_000_000, too_large=too_large, several=several)


def viewer_caption() -> str:
    """HTML below the film: what it is, and the button for the full screen."""
    return render("viewer_caption.html")


def intended_use(populations: Sequence[Population] = tuple(POPULATIONS.values())) -> str:
    """HTML section: for which films the tool is intended, for which it is not, and what is not validated.

    `populations` are those of the models, by default all.
    """
    return render("intended_use.html", populations=[population.name for population in populations])


def headline(prediction: Prediction, bundle: Bundle | None = None) -> str:
    """HTML with label, P(pneumonia), its meaning as a frequency, reason for Unknown, warnings, age and model as used.

    `bundle` is that of `Prediction.model`; without it the lines that depend on it are left out.
    """
    return render(
        "headline.html",
        prediction=prediction,
        label=LABEL_NAMES[prediction.label],
        probability="" if prediction.probability is None else format_p_pneumonia(prediction),
        point=answer_text.describe_point(prediction),
        frequency=answer_text.describe_frequency(prediction),
        caution="" if bundle is None else answer_text.caution_at_prevalence(prediction, bundle.calibration.prevalence),
        provenance="" if bundle is None else provenance.describe(prediction, bundle),
    )


_EXPORT_AGAIN = message("Copy or export the film again, as DICOM if possible.")
_NEXT_STEPS = {
    UnreadableImage.code: _EXPORT_AGAIN,
    EmptyFile.code: _EXPORT_AGAIN,
    NoPixels.code: message("It may be a report or a measurement. Choose the file of the image in the same study."),
}
"""What to do about an error whose message does not say it, by code."""


def failure(result: Failure) -> str:
    """HTML with the error of a file and what to do next, shown instead of the answer."""
    return render("failure.html", error=result.error, step=_NEXT_STEPS.get(result.error.code, ""))


def film_deleted() -> str:
    """HTML shown instead of the answer if the film was deleted before a further request."""
    return render("film_deleted.html", message=deletion_message())


def deletion_message() -> Message:
    """Sentences for a film that was deleted: the reason, and how to continue."""
    minutes = settings.RETENTION_S.read() / 60
    return join(
        (
            message("Films are deleted {minutes:g} minutes after analysis.", minutes=minutes),
            message("Drop the film again to continue."),
        )
    )


def external_validation_note(external: Sequence[Mapping[str, Any]]) -> Message:
    """One sentence of Markdown for each entry of `external` in the evaluation; "" without entries."""
    return markdown_with_unbroken_percent(join(_external_validation(entry) for entry in external))


def _external_validation(entry: Mapping[str, Any]) -> Message:
    return message(
        "On {source} ({name}, {films:,} films) the model is {verdict}: AUROC {auroc}; the gate refuses {refused:.0f} % "
        "of them.",
        source=escape(entry["of"]),
        name=escape(entry["name"]),
        films=entry["films"]["total"],
        verdict=escape(entry["verdict"]),
        auroc=score(entry["figures"]["auroc"], 2),
        refused=100 * entry["service"]["refused"]["value"],
    )
