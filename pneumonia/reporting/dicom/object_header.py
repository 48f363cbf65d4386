"""Attributes that result images and documents share: series, equipment, times, and references to the source film."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from ...messages import translate
from ..result_lines import NOTICE
from . import patient_study
from .codes import code, code_item
from .film_result import FilmResult
from .source import UNICODE

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

_UNPAIRED = {
    *("ABDOMEN", "ABDOMENPELVIS", "AORTA", "BACK", "BLADDER", "BRAIN", "CEREBELLUM", "CHEST", "CHESTABDOMEN"),
    *("CHESTABDPELVIS", "COCCYX", "COLON", "CSPINE", "CTSPINE", "DUODENUM", "ESOPHAGUS", "FACE", "GALLBLADDER"),
    *("HEAD", "HEADNECK", "HEART", "ILEUM", "ILIUM", "JAW", "JEJUNUM", "LARYNX", "LIVER", "LSPINE", "LSSPINE"),
    *("MAXILLA", "MEDIASTINUM", "MOUTH", "NECK", "NECKCHEST", "NOSE", "PANCREAS", "PELVIS", "PENIS", "PHARYNX"),
    *("PROSTATE", "RECTUM", "SCALP", "SKULL", "SPINE", "SPLEEN", "SSPINE", "STERNUM", "STOMACH", "THYMUS", "THYROID"),
    *("TLSPINE", "TONGUE", "TRACHEA", "TSPINE", "UTERUS", "VAGINA", "VULVA", "WHOLEBODY"),
}
"""Values of BodyPartExamined (PS3.16, annex L) that are not paired, as `dciodvfy` has them: Laterality is absent."""


def identity_arguments(film: FilmResult, kind: str) -> dict[str, Any]:
    """The keyword arguments of highdicom's classes that identify the object of a kind.

    Patient, study and the rest of the equipment are added by `complete_header`.
    """
    return {
        "series_instance_uid": film.series_instance_uid(kind),
        "series_number": film.series_number(kind),
        "sop_instance_uid": film.sop_instance_uid(kind),
        "instance_number": film.instance_number,
        "transfer_syntax_uid": ExplicitVRLittleEndian,
        "specific_character_set": UNICODE,
        "manufacturer": film.options.manufacturer,
    }


def complete_header(dataset: Dataset, film: FilmResult) -> None:
    """Add patient and study of the source, the description of the series, and the time of the result."""
    patient_study.complete(dataset, film)
    dataset.SeriesDescription = translate(NOTICE, film.options.language)[:64]
    created_at = patient_study.creation_time(film)
    date, time = f"{created_at:%Y%m%d}", f"{created_at:%H%M%S}"
    dataset.SeriesDate, dataset.SeriesTime = date, time
    if "ContentDate" in dataset:  # a presentation state has none
        dataset.ContentDate, dataset.ContentTime = date, time
    for equipment in dataset.get("ContributingEquipmentSequence", []):
        equipment.ContributionDateTime = f"{date}{time}"


def add_region(dataset: Dataset, film: FilmResult) -> None:
    """Body part and laterality of the series, as those of the film (PS3.3, C.7.3.1).

    Laterality is required, but may be empty, unless the body part is known not to be paired; then it must be absent.
    """
    source = film.source.header
    for keyword in ("BodyPartExamined", "AnatomicRegionSequence"):
        if keyword in source:
            dataset[keyword] = source[keyword]
    if source.get("BodyPartExamined") not in _UNPAIRED:
        laterality = source.get("Laterality") or source.get("ImageLaterality")
        dataset.Laterality = laterality if laterality in {"R", "L"} else ""


def source_reference(film: FilmResult, purpose: Code | None = None) -> Dataset:
    """An item that refers to the source film; to its first frame, if it has several."""
    item = Dataset()
    item.ReferencedSOPClassUID = film.source.sop_class_uid
    item.ReferencedSOPInstanceUID = film.source.sop_instance_uid
    if film.source.is_multiframe:
        item.ReferencedFrameNumber = 1
    if purpose is not None:
        item.PurposeOfReferenceCodeSequence = [code_item(purpose)]
    return item


def source_image(film: FilmResult) -> Dataset:
    """The reference to the film as the image from which the object was made."""
    return source_reference(film, code("source_image"))
