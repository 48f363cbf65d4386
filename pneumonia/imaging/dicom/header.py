"""What a DICOM file says that it shows: the kind of picture, the part of the body, the view, the patient's age.

Only yes and no leave this module, and sentences that quote no tag.
"""

from __future__ import annotations

import re
from typing import Any

import pydicom
from pydicom.multival import MultiValue

TRAINING_AGES_YEARS = (1, 5)
"""The ages of the children in the training films."""

BODY_PART_WARNING = "The file itself says that it shows another part of the body than the chest (BodyPartExamined)."
LATERAL_WARNING = "The file itself says that it is a lateral view (ViewPosition)."
AGE_WARNING = "The patient's age lies outside {}-{} years, the ages of the training films.".format(*TRAINING_AGES_YEARS)

NON_RADIOGRAPH_MODALITIES = {
    *("CT", "MR", "US", "NM", "PT", "XA", "MG", "IO", "PX", "BMD", "OCT", "IVUS", "IVOCT", "BDUS"),
    *("ES", "GM", "SM", "DMS", "OP", "OPM", "OPV", "OPT", "OPTENF", "OPTBSV", "AR", "KER", "LEN", "SRF", "VA", "IOL"),
    *("ECG", "EPS", "EEG", "EMG", "EOG", "HD", "RESP", "AU", "SR", "DOC", "PR", "KO", "SEG", "REG", "FID", "RWV", "TG"),
    *("RTIMAGE", "RTDOSE", "RTSTRUCT", "RTPLAN", "RTRECORD", "STL", "M3D", "PLAN", "SMR", "CFM", "TEXTUREMAP"),
}
"""The standard's terms for what is no radiograph. CR, DX, RG, RF, OT, an unknown term or none go on to the gate: those
who write films use them all."""

_CHEST_WORDS = re.compile("CHEST|THORA|LUNG|RIB|HEART|STERN|CLAV|TRUNK|WHOLE|BABYGRAM")
_OTHER_BODY_PARTS = {
    *("SKULL", "HEAD", "BRAIN", "FACE", "ORBIT", "SINUS", "SINUSES", "NOSE", "JAW", "MAXILLA", "MANDIBLE", "ZYGOMA"),
    *("TMJ", "TEETH", "TOOTH", "NECK", "CSPINE", "LSPINE", "SSPINE", "SACRUM", "COCCYX", "PELVIS", "HIP", "ABDOMEN"),
    *("SHOULDER", "SCAPULA", "ARM", "HUMERUS", "ELBOW", "FOREARM", "WRIST", "HAND", "FINGER", "THUMB", "EXTREMITY"),
    *("LEG", "THIGH", "FEMUR", "KNEE", "PATELLA", "TIBIA", "FIBULA", "ANKLE", "FOOT", "HEEL", "CALCANEUS", "TOE"),
    *("KUB", "BREAST"),
}
"""BodyPartExamined of films that show no lungs. Any other word, and none, goes on to the gate."""

_LATERAL_VIEWS = {"LL", "RL", "LLD", "RLD", "LLAT", "RLAT"}
"""ViewPosition of films taken from the side: the standard's left and right lateral, also of a lying patient, and two
that machines write. Whatever holds a word that starts with LAT counts too."""

_DAYS_PER_UNIT = {"D": 1.0, "W": 7.0, "M": 30.44, "Y": 365.25}


def non_radiograph_modality(dataset: pydicom.Dataset) -> str | None:
    """The modality if it is one of `NON_RADIOGRAPH_MODALITIES`, else None; so no free text of the file is returned."""
    return next((word for word in _words(dataset, "Modality")[:1] if word in NON_RADIOGRAPH_MODALITIES), None)


def is_other_body_part(dataset: pydicom.Dataset) -> bool:
    """Whether BodyPartExamined names a part that shows no lungs, and no chest beside it."""
    words = _words(dataset, "BodyPartExamined")
    return any(word in _OTHER_BODY_PARTS for word in words) and not any(_CHEST_WORDS.match(word) for word in words)


def is_lateral(dataset: pydicom.Dataset) -> bool:
    """Whether ViewPosition says so; where it is missing or says something else, the gate must tell."""
    return any(word in _LATERAL_VIEWS or word.startswith("LAT") for word in _words(dataset, "ViewPosition"))


def header_warnings(dataset: pydicom.Dataset) -> tuple[str, ...]:
    """What a user should know of this, without its being quoted."""
    conditions = {
        BODY_PART_WARNING: is_other_body_part(dataset),
        LATERAL_WARNING: is_lateral(dataset),
        AGE_WARNING: _is_outside_training_ages(dataset),
    }
    return tuple(warning for warning, applies in conditions.items() if applies)


def _is_outside_training_ages(dataset: pydicom.Dataset) -> bool:
    age = _age_years(str(dataset.get("PatientAge", "")))
    return age is not None and not TRAINING_AGES_YEARS[0] <= age < TRAINING_AGES_YEARS[1] + 1


def _words(dataset: pydicom.Dataset, keyword: str) -> list[str]:
    value: Any = dataset.get(keyword, "")
    return re.findall("[A-Z0-9]+", str(value[0] if isinstance(value, MultiValue) and value else value).upper())


def _age_years(text: str) -> float | None:
    """The standard's age string, such as 004Y or 018M, in years; None where it is missing or malformed."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    if not (number.isascii() and number.isdecimal()) or unit not in _DAYS_PER_UNIT:
        return None
    return int(number) * _DAYS_PER_UNIT[unit] / 365.25
