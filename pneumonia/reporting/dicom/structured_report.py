"""The result of one film as a Comprehensive SR by template 1500 (PS3.3, A.35.3; PS3.16, TID 1500), or 3D SR."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom import Dataset
from pydicom.tag import Tag

from ... import __version__
from . import patient_study, report_content, report_context
from .codes import private_scheme
from .concepts import concept
from .film_result import FilmResult
from .options import COMPREHENSIVE, COMPREHENSIVE_3D

KIND = "dicom-sr"
_CONTINUITY, _NUMERIC_VALUE = Tag("ContinuityOfContent"), Tag("NumericValue")
SERIES_DESCRIPTION = "AI result: structured report"

_CLASSES = {COMPREHENSIVE: sr.ComprehensiveSR, COMPREHENSIVE_3D: sr.Comprehensive3DSR}


def create_structured_report(film: FilmResult) -> Dataset:
    """The structured report of a film: a complete data set in explicit VR little endian.

    It refers to the source image and belongs to its study. An error has a report too, which says that the film was not
    evaluated. It is preliminary and not verified, since a report of a radiologist communicates the findings
    (PS3.3, C.17.2). docs/dicom-results.md shows the content tree.
    """
    created_at = patient_study.creation_time(film)
    root = _content(film)[0]
    items, root.ContentSequence = root.ContentSequence, sr.ContentSequence()
    document = _CLASSES[film.options.sr_class](
        evidence=[patient_study.evidence(film.source)],
        content=root,
        series_instance_uid=film.series_instance_uid(KIND),
        series_number=film.series_number(KIND),
        sop_instance_uid=film.sop_instance_uid(KIND),
        instance_number=film.instance_number,
        is_complete=True,
        is_final=False,
        is_verified=False,
        requested_procedures=requested_procedures(film) or None,
        series_description=SERIES_DESCRIPTION,
        content_date=created_at.date(),
        content_time=created_at.time().replace(microsecond=0),
        coding_schemes=[_private_scheme()],
    )
    report = _with_items(document, items)
    _write_for_readers(report)
    patient_study.restore_class(report, film.source)
    patient_study.complete(report, film)
    return report


def _with_items(document: Dataset, items: Iterable[Dataset]) -> Dataset:
    """The document as a data set with all content items.

    highdicom copies and searches the items that it is given several times, more than half of the time for a report.
    """
    report = Dataset()
    report.update(document)
    report.file_meta, report.preamble = document.file_meta, document.preamble
    report.ContentSequence = list(items)
    return report


def _write_for_readers(report: Dataset) -> None:
    """Let viewers show each item with its name, and whole numbers without a decimal.

    highdicom writes containers as continuous text (PS3.3, C.17.3.2.4): viewers then show values as one sentence without
    names.
    """
    report.ContinuityOfContent = "SEPARATE"
    for element in patient_study.elements_of(report.ContentSequence):
        if element.tag == _CONTINUITY:
            element.value = "SEPARATE"
        elif element.tag == _NUMERIC_VALUE and element.value == int(element.value):
            element.value = str(int(element.value))


def _content(film: FilmResult) -> sr.MeasurementReport:
    content = sr.MeasurementReport(
        observation_context=report_context.observation_context(film),
        procedure_reported=concept("procedure_reported_chest"),
        imaging_measurements=[report_content.answer_group(film), *report_content.zone_groups(film)],
        title=concept("imaging_measurement_report"),
        language_of_content_item_and_descendants=report_context.language(film),
    )
    items = content[0].ContentSequence
    measurements = items.pop()
    items.extend(report_content.summary(film))
    items.append(report_context.image_library(film))
    items.append(measurements)
    return content


def requested_procedures(film: FilmResult) -> list[Dataset]:
    """The orders that the film fulfils, for the Referenced Request Sequence (PS3.3, C.17.2)."""
    header = film.source.header
    return [_request(film, item) for item in header.get("RequestAttributesSequence", [])]


_REQUEST = (
    *("ReferencedStudySequence", "AccessionNumber", "PlacerOrderNumberImagingServiceRequest"),
    *("FillerOrderNumberImagingServiceRequest", "RequestedProcedureID", "RequestedProcedureDescription"),
    "RequestedProcedureCodeSequence",
)
"""Type 2 attributes of an item of the Referenced Request Sequence."""


def _request(film: FilmResult, attributes: Dataset) -> Dataset:
    request = Dataset()
    stated = attributes.get("StudyInstanceUID")
    request.StudyInstanceUID = stated if stated and stated.is_valid else film.source.study_instance_uid
    for keyword in _REQUEST:
        if keyword in attributes:
            request[keyword] = deepcopy(attributes[keyword])
        else:
            setattr(request, keyword, [] if keyword.endswith("Sequence") else "")
    if not request.AccessionNumber and "AccessionNumber" in film.source.header:
        request.AccessionNumber = film.source.header.AccessionNumber
    return request


def _private_scheme() -> CodingSchemeIdentificationItem:
    scheme = private_scheme()
    return CodingSchemeIdentificationItem(
        designator=scheme["designator"], name=scheme["name"], version=__version__, uid=scheme["uid"]
    )
