"""Checks on the DICOM header: modality, body part, view position and orientation.

The functions return booleans, defined terms of the standard and fixed sentences, never free text of the file.
"""

from __future__ import annotations

import re

import pydicom

from ...messages import message
from ..sides import SIDES_FROM_HEADER_WARNING, SIDES_UNKNOWN_WARNING, Sides
from . import elements, orientation, view

BODY_PART_WARNING = message("According to the DICOM header (BodyPartExamined), the image does not show the chest.")
LATERAL_WARNING = message("According to the DICOM header (view position or orientation), the film is a lateral view.")

NON_RADIOGRAPH_MODALITIES = {
    *("CT", "MR", "US", "NM", "PT", "XA", "MG", "IO", "PX", "BMD", "OCT", "IVUS", "IVOCT", "BDUS"),
    *("ES", "GM", "SM", "DMS", "OP", "OPM", "OPV", "OPT", "OPTENF", "OPTBSV", "AR", "KER", "LEN", "SRF", "VA", "IOL"),
    *("ECG", "EPS", "EEG", "EMG", "EOG", "HD", "RESP", "AU", "SR", "DOC", "PR", "KO", "SEG", "REG", "FID", "RWV", "TG"),
    *("RTIMAGE", "RTDOSE", "RTSTRUCT", "RTPLAN", "RTRECORD", "STL", "M3D", "PLAN", "SMR", "CFM", "TEXTUREMAP"),
}
"""Defined terms of Modality (DICOM PS3.3, C.7.3.1.1.1) for objects that are not radiographs. CR, DX, RG, RF, OT, an
unknown term and a missing modality are left to the gate, since radiographs are stored with all of these."""

_CHEST_WORDS = re.compile("CHEST|THORA|LUNG|RIB|HEART|STERN|CLAV|TRUNK|WHOLE|BABYGRAM")
_OTHER_BODY_PARTS = {
    *("SKULL", "HEAD", "BRAIN", "FACE", "ORBIT", "SINUS", "SINUSES", "NOSE", "JAW", "MAXILLA", "MANDIBLE", "ZYGOMA"),
    *("TMJ", "TEETH", "TOOTH", "NECK", "CSPINE", "LSPINE", "SSPINE", "SACRUM", "COCCYX", "PELVIS", "HIP", "ABDOMEN"),
    *("SHOULDER", "SCAPULA", "ARM", "HUMERUS", "ELBOW", "FOREARM", "WRIST", "HAND", "FINGER", "THUMB", "EXTREMITY"),
    *("LEG", "THIGH", "FEMUR", "KNEE", "PATELLA", "TIBIA", "FIBULA", "ANKLE", "FOOT", "HEEL", "CALCANEUS", "TOE"),
    *("KUB", "BREAST"),
}
"""Words of BodyPartExamined for films that do not show the lungs. Other words, and a missing element, are left to the
gate."""


def non_radiograph_modality(dataset: pydicom.Dataset) -> str | None:
    """The modality if it is one of `NON_RADIOGRAPH_MODALITIES`, else None; free text of the file is never returned."""
    return next((word for word in _words(dataset, "Modality")[:1] if word in NON_RADIOGRAPH_MODALITIES), None)


def is_other_body_part(dataset: pydicom.Dataset) -> bool:
    """True if BodyPartExamined names a body part that does not show the lungs, and does not also name the chest."""
    words = _words(dataset, "BodyPartExamined")
    return any(word in _OTHER_BODY_PARTS for word in words) and not any(_CHEST_WORDS.match(word) for word in words)


def header_warnings(dataset: pydicom.Dataset) -> tuple[str, ...]:
    """Warnings for the user about body part, view position and orientation; they do not quote the header.

    A film that is stored rotated has none yet: `inference.reading` compares the header with the film.
    """
    is_lateral = view.is_lateral(dataset)
    sides, turn = orientation.orientation(dataset)
    conditions = {
        BODY_PART_WARNING: is_other_body_part(dataset),
        LATERAL_WARNING: is_lateral,
        SIDES_FROM_HEADER_WARNING: sides is Sides.MIRRORED,
        SIDES_UNKNOWN_WARNING: sides is Sides.UNKNOWN and turn is None and not is_lateral,
    }
    return tuple(warning for warning, applies in conditions.items() if applies)


def _words(dataset: pydicom.Dataset, keyword: str) -> list[str]:
    return re.findall("[A-Z0-9]+", elements.first_text(dataset, keyword).upper())
