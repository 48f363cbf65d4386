"""Whether a film is a lateral view, from ViewPosition, ViewCodeSequence or PatientOrientation.

A decubitus view is taken with a horizontal beam on a patient who lies on one side: it is frontal, unlike the lateral
view of a patient who lies on the back or the belly (dorsal or ventral decubitus).
"""

from __future__ import annotations

import re

import pydicom

from . import elements

_LATERAL_WORDS = {"LL", "RL", "LLAT", "RLAT", "LLO", "RLO", "XTABLE", "CROSSTABLE"}
"""Words of ViewPosition for lateral views: left and right lateral and lateral oblique of the standard (PS3.3,
C.8.1.1), and terms that devices write. A word that starts with LAT counts as well."""

_DECUBITUS = re.compile("DECUB|^LLD$|^RLD$")
_FRONTAL_WORDS = {"AP", "PA", "LLD", "RLD"}
_LATERAL_CODES = {
    *("399067008", "399173006", "399198007", "49370004", "30730003", "260427002"),
    *("R-102CD", "R-10236", "R-10232", "G-A104", "G-A145", "R-40783"),
}
"""Codes of ViewCodeSequence (PS3.16, CID 4010): lateral, left and right lateral, sagittal, lateral oblique; in SNOMED
CT, and in SNOMED RT, which older files use."""

_CODE_KEYWORDS = ("CodeValue", "LongCodeValue")
_SAGITTAL = ({"A", "P"}, {"H", "F"})
"""First letters of the directions of rows and columns in a lateral view: anterior or posterior, and head or foot."""


def is_lateral(dataset: pydicom.Dataset) -> bool:
    """True if the header declares a lateral or lateral oblique view. If it says nothing, the gate decides.

    The first element that says something decides: ViewPosition is set for the film, PatientOrientation often by the
    template of a device.
    """
    words = re.findall("[A-Z0-9]+", elements.first_text(dataset, "ViewPosition").upper())
    declared = _declared_by_words(words)
    if declared is None:
        declared = _declared_by_codes(dataset)
    return _is_sagittal(dataset) if declared is None else declared


def _declared_by_words(words: list[str]) -> bool | None:
    """True for a lateral view, False for a frontal one, None if the words say neither."""
    text = " ".join(words)
    is_lateral = any(word in _LATERAL_WORDS or word.startswith("LAT") for word in words) or "X TABLE" in text
    if any(_DECUBITUS.search(word) for word in words):
        return is_lateral and ("DORSAL" in words or "VENTRAL" in words)
    if is_lateral and not ({"XTABLE", "CROSSTABLE"} & set(words) and _FRONTAL_WORDS & set(words)):
        return True
    return False if _FRONTAL_WORDS & set(words) else None


def _declared_by_codes(dataset: pydicom.Dataset) -> bool | None:
    items = elements.value(dataset, "ViewCodeSequence") or []
    codes = {elements.text(item, keyword).upper() for item in items[:1] for keyword in _CODE_KEYWORDS} - {""}
    return bool(codes & _LATERAL_CODES) if codes else None


def _is_sagittal(dataset: pydicom.Dataset) -> bool:
    """True if rows run from front to back and columns from head to foot, or the reverse."""
    directions = [value.strip().upper()[:1] for value in elements.texts(dataset, "PatientOrientation")]
    return len(directions) == 2 and any(
        directions[0] in one and directions[1] in other for one, other in (_SAGITTAL, _SAGITTAL[::-1])
    )
