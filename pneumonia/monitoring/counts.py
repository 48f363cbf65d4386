"""What is counted of one result: names and numbers without pixels, identifiers, or a time finer than a day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..evaluation.reference_measures import DISTANCE, RESEMBLANCE
from ..inference.decision import CLASSES, LABEL_NAMES, UNKNOWN, Failure, Prediction
from ..inference.reading import Reading
from ..messages import message
from .histograms import SCORE, bin_of

ANSWER, ERROR, REASON, INVERTED, OPINION = "answer", "error", "reason", "inverted", "opinion"
"""Names of counts beside those of the histograms."""

REFUSED = "refused "
"""Prefix of the histogram of a gate measure for films that the gate refused."""

OPINION_NAMES = {**{label: LABEL_NAMES[label] for label in CLASSES}, "cannot say": message("Cannot say")}
OPINIONS = tuple(OPINION_NAMES)
"""What a physician can state about the film of an answer on the page; with the names on page and report."""

MAX_SOURCE_LENGTH = 16
"""Length of an application entity title (DICOM PS3.5, value representation AE)."""

OTHER_SOURCE = "other"
"""Name of the sources that are not counted by their own name."""


DEFAULT_DAYS = 90
"""Days of a report without a stated beginning: enough films for a comparison at most sites, and one season."""


class Series(NamedTuple):
    """What counts belong to: a source, a model and an operating point.

    `source` is "page", "api", "rest", "cli", "batch" or the title of a calling application entity. The model fields
    are those of `ModelIdentity`, `population` is that of the model; all are empty for files that could not be read.
    """

    source: str
    model: str = ""
    revision: str = ""
    sha256: str = ""
    site: str = ""
    population: str = ""
    operating_point: str = ""


Item = tuple[str, str]
"""(name of the count or histogram, its value or bin)."""


def series_of(result: Prediction | Failure, reading: Reading | None, source: str) -> Series:
    """The series of a result."""
    source = source_name(source)
    if isinstance(result, Failure):
        return Series(source)
    model = result.model
    population = "" if reading is None or reading.population is None else str(reading.population.name)
    return Series(
        *(source, model.name, model.revision, model.sha256, model.site or ""),
        population=population or result.population or "",
        operating_point=result.operating_point,
    )


def source_name(source: str) -> str:
    """The source, if it could be an application entity title; else `OTHER_SOURCE`."""
    name = source.strip()
    is_title = 0 < len(name) <= MAX_SOURCE_LENGTH and name.isascii() and name.isprintable() and "\\" not in name
    return name if is_title else OTHER_SOURCE


def items_of(result: Prediction | Failure, reading: Reading | None) -> Iterator[Item]:
    """The counts that a result adds 1 to."""
    if isinstance(result, Failure):
        yield ERROR, result.error.code
        return
    yield ANSWER, result.label
    if result.label == UNKNOWN and result.reason is not None:
        yield REASON, result.reason.code
    if reading is None:
        return
    if reading.inverted:
        yield INVERTED, ""
    if reading.probability is not None:
        yield SCORE, str(bin_of(SCORE, reading.probability))
    if reading.assessment is not None:
        prefix = "" if reading.assessment.reason is None else REFUSED
        yield prefix + DISTANCE, str(bin_of(DISTANCE, reading.assessment.distance))
        yield prefix + RESEMBLANCE, str(bin_of(RESEMBLANCE, reading.assessment.resemblance))


def opinion_item(label: str, opinion: str) -> Item:
    """The count of a physician's opinion on a film with the answer `label`; raises `ValueError` for another opinion."""
    if opinion not in OPINIONS:
        raise ValueError("not an opinion")
    return OPINION, f"{label}/{opinion}"
