"""The DiagnosticReport: the structured report as a document, with its result in words (R4, 10.3 "DiagnosticReport")."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from ...inference.decision import Failure
from ...messages import join, message
from .. import wording, zone_table
from ..result_lines import NOTICE, ResultLines, result_lines
from . import terms
from .datatypes import Json, reference, text, uid_identifier, without_empty
from .envelope import Envelope
from .narrative import narrative

REPORT = "report"


def diagnostic_report(
    envelope: Envelope, observation_urls: Sequence[str], sr_uid: str | None, pdf: bytes | None
) -> Json:
    """The report on `observation_urls`; `sr_uid` is the SOP Instance UID of the structured report, if it was made.

    It is preliminary, since no physician verified it, and cancelled if the film could not be read or scored. It has no
    `conclusionCode`: receivers copy those into lists of diagnoses, and the answer is none. `pdf` is attached.
    """
    lines = result_lines(envelope.film.result, envelope.film.model, envelope.film.created_at)
    uids = [envelope.uid(REPORT), *([sr_uid] if sr_uid else [])]
    return without_empty(
        {
            **envelope.header("DiagnosticReport", _narrative(envelope, lines)),
            "identifier": [uid_identifier(uid) for uid in uids],
            "basedOn": envelope.orders,
            "status": "cancelled" if isinstance(envelope.film.result, Failure) else "preliminary",
            "category": [{"coding": [terms.RADIOLOGY]}],
            "code": terms.term("imaging_measurement_report"),
            "subject": envelope.subject,
            "effectiveDateTime": envelope.film_time,
            "issued": envelope.issued,
            "result": [reference(url, "Observation") for url in observation_urls],
            "imagingStudy": [envelope.study] if envelope.study else None,
            "conclusion": _conclusion(envelope, lines),
            "presentedForm": None if pdf is None else [_attachment(envelope, pdf)],
        }
    )


def _conclusion(envelope: Envelope, lines: ResultLines) -> str:
    """Answer, P(pneumonia), reasons and notice: what must not be separated."""
    headline = message("{sentence}.", sentence=join([lines.heading, lines.value], ", "))
    notice = message("{sentence}.", sentence=NOTICE)
    return text(envelope.words(join([headline, *lines.reasons, notice])))


def _narrative(envelope: Envelope, lines: ResultLines) -> Json:
    headline = join([lines.heading, lines.value], ", ")
    disclaimer = envelope.words(wording.DISCLAIMER).replace("**", "")
    sentences = [headline, NOTICE, *lines.reasons, *lines.details, *lines.identity]
    return narrative([*map(envelope.words, sentences), disclaimer], envelope.language, _zone_cells(envelope))


def _zone_cells(envelope: Envelope) -> list[list[str]]:
    """The share of the evidence in each zone, as on the page; empty where it has no table."""
    film = envelope.film
    if film.prediction is None or film.prediction.zone_shares is None:
        return []
    has_field = film.reading is not None and film.reading.lung_field is not None
    rows = zone_table.rows(film.prediction, in_lungs=has_field)
    return [[envelope.words(cell) for cell in row] for row in rows]


def _attachment(envelope: Envelope, pdf: bytes) -> Json:
    content = base64.b64encode(pdf).decode("ascii")
    return {"contentType": "application/pdf", "language": envelope.language_tag, "data": content}
