"""What a received object is, by its header: a film, an object to skip, or one that is refused with a DIMSE status."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.uid import DeflatedExplicitVRLittleEndian

from ..errors import PneumoniaError
from ..imaging.dicom import elements, header, parser
from ..reporting.dicom.element_values import MAX_UID_CHARACTERS, is_uid_of_film
from ..reporting.dicom.options import ResultOptions
from .queue import Reception
from .spool import calling_ae_of

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
DATA_SET_MISMATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
PROCESSING_FAILURE = 0x0110
SOP_CLASS_NOT_SUPPORTED = 0x0122
"""Statuses of C-STORE: DICOM PS3.4, table B.2-1, and PS3.7, annex C."""

_HEAD_BYTES = 1 << 18
"""The identifiers stand before the pixels, in the first 256 KB unless private elements are long."""


@dataclass(frozen=True)
class Inspection:
    """`status` is that of the response, and `reason` a word for log and metrics. `is_skipped`: no result is made."""

    status: int = SUCCESS
    reason: str = ""
    is_skipped: bool = False


FILM = Inspection()


def inspect_file(path: Path, reception: Reception, *, skip_other_body_parts: bool = True) -> Inspection:
    """Inspect the received file of a film class.

    Refused: an object that cannot be parsed, whose class or UID differ from those of the request, or without valid
    UIDs to which results can refer. Skipped: a modality other than radiography, a body part without lungs, our own
    results.
    """
    dataset = _read_header(path, reception.transfer_syntax)
    if dataset is None or not len(dataset):
        return Inspection(CANNOT_UNDERSTAND, "unreadable_data_set")
    for keyword, expected in (("SOPClassUID", reception.sop_class), ("SOPInstanceUID", reception.sop_instance)):
        value = _uid(dataset, keyword)
        if value and value != expected:
            return Inspection(DATA_SET_MISMATCH, "data_set_mismatch")
    if header.non_radiograph_modality(dataset) is not None:
        return Inspection(reason="other_modality", is_skipped=True)
    if is_own_result(dataset):
        return Inspection(reason="own_result", is_skipped=True)
    if skip_other_body_parts and header.is_other_body_part(dataset):
        return Inspection(reason="other_body_part", is_skipped=True)
    references = [reception.sop_instance, *(_uid(dataset, name) for name in ("StudyInstanceUID", "SeriesInstanceUID"))]
    if not all(map(is_uid_of_film, references)):
        return Inspection(CANNOT_UNDERSTAND, "missing_identifiers")
    return FILM


def is_own_result(dataset: pydicom.Dataset) -> bool:
    """True for a secondary capture that this software made, under any configuration: it must not be read as a film."""
    return elements.text(dataset, "ManufacturerModelName") == ResultOptions().model_name


def read_reception(path: Path) -> Reception | None:
    """What a film in the queue says about itself, for `queue_upkeep.recover`; None if it is no DICOM file.

    Raises `OSError` if the disk cannot be read: the film must not be deleted for that.
    """
    data = path.read_bytes()
    try:
        file = parser.parse(data)
    except PneumoniaError:
        return None
    sop_class = _uid(file.dataset, "SOPClassUID") or file.storage_class
    return Reception(calling_ae_of(path), sop_class, _uid(file.dataset, "SOPInstanceUID"), file.syntax)


def _read_header(path: Path, transfer_syntax: str) -> pydicom.Dataset | None:
    """The elements of the file; only its head is read if the identifiers are in it."""
    is_deflated = transfer_syntax == DeflatedExplicitVRLittleEndian
    with path.open("rb") as file:
        head = file.read() if is_deflated else file.read(_HEAD_BYTES)
        try:
            dataset = parser.parse(head).dataset
            if len(head) == _HEAD_BYTES and not _uid(dataset, "SeriesInstanceUID"):
                dataset = parser.parse(head + file.read()).dataset
        except PneumoniaError:
            return None
    return dataset


def _uid(dataset: pydicom.Dataset, keyword: str) -> str:
    value = elements.text(dataset, keyword).strip("\0 ")
    return value if len(value) <= MAX_UID_CHARACTERS else ""
