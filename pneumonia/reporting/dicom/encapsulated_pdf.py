"""Encapsulated PDF: the report of `pdf_report` as a document of the study (PS3.3, section A.45.1).

highdicom has no class for it.
"""

from __future__ import annotations

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, EncapsulatedPDFStorage, ExplicitVRLittleEndian

from ...errors import UnreadableImage
from ...inference.decision import Failure
from ...inference.gate_report import gate_report
from ...languages import use_language
from ...messages import message, translate
from .. import pdf_report
from . import object_header, patient_study
from .codes import code, code_item
from .film_picture import film_pixels
from .film_result import FilmResult

KIND = "encapsulated-pdf"


def create_encapsulated_pdf(film: FilmResult) -> Dataset:
    """The report on a film, or on the error that it had, as an Encapsulated PDF, in Explicit VR Little Endian.

    The page names no patient; the attributes of the object do. Its text is in `film.options.language`.
    """
    with use_language(film.options.language):
        page = _render(film)
        title = translate(pdf_report.REPORT_TITLE)
    document = _document(film)
    object_header.complete_header(document, film)
    document.DocumentTitle = title
    document.ConceptNameCodeSequence = [code_item(code("imaging_measurement_report"))]
    document.MIMETypeOfEncapsulatedDocument = "application/pdf"
    # OB has an even length, and a reader needs the exact one.
    document.EncapsulatedDocumentLength = len(page)
    document.EncapsulatedDocument = page + b"\0" * (len(page) % 2)
    return document


def _document(film: FilmResult) -> Dataset:
    """The modules Encapsulated Document Series, General Equipment, SC Equipment and Encapsulated Document."""
    document = Dataset()
    document.file_meta = FileMetaDataset()
    document.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    document.SOPClassUID = document.file_meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
    document.SOPInstanceUID = film.sop_instance_uid(KIND)
    document.file_meta.MediaStorageSOPInstanceUID = UID(document.SOPInstanceUID)
    document.StudyInstanceUID = film.source.study_instance_uid
    document.SeriesInstanceUID = film.series_instance_uid(KIND)
    document.SeriesNumber = film.series_number(KIND)
    document.InstanceNumber = film.instance_number
    document.Modality = "DOC"
    document.ConversionType = "WSD"
    document.ContentDate = document.ContentTime = None
    document.AcquisitionDateTime = _acquired_at(film)
    document.BurnedInAnnotation = "YES"  # the date of the result, and what is burned into the film
    document.VerificationFlag = "UNVERIFIED"
    document.SourceInstanceSequence = [object_header.source_image(film)]
    return document


def _acquired_at(film: FilmResult) -> str | None:
    """When the film was taken (type 2), from either form in which films state it."""
    source = film.source.header
    if "AcquisitionDateTime" in source:
        return str(source.AcquisitionDateTime)
    date = source.get("AcquisitionDate")
    return None if not date else f"{date}{source.get('AcquisitionTime') or ''}"


def _render(film: FilmResult) -> bytes:
    pixels, prediction, created_at = film_pixels(film), film.prediction, patient_study.creation_time(film)
    if prediction is None or pixels is None:
        failure = film.failure or Failure(None, UnreadableImage(message("The file cannot be read again.")))
        return pdf_report.render_failure_pdf(failure, pixels, created_at=created_at)
    reading, bundle = film.reading, None if film.model is None else film.model.bundle
    if reading is None:  # the answer of another program run
        return pdf_report.render_pdf(pixels, prediction, None, bundle=bundle, created_at=created_at)
    return pdf_report.render_pdf(
        pixels,
        prediction,
        reading.activation,
        area=reading.area,
        lung_field=reading.lung_field,
        bundle=bundle,
        gate=None if film.model is None else gate_report(film.model, reading, film.data),
        created_at=created_at,
    )
