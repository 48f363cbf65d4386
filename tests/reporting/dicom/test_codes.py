"""The codes of result objects exist in the standard's dictionaries, and each states its source."""

from __future__ import annotations

import json
from pathlib import Path

from pydicom.sr.codedict import codes as dictionary

from pneumonia.inference.decision import CLASSES, REASONS, UNKNOWN
from pneumonia.inference.explain import ZONES
from pneumonia.reporting.dicom import codes

CODES = json.loads(Path(codes.__file__).with_name("codes.json").read_text(encoding="utf-8"))["concepts"]
NOT_IN_PS3_16 = {"pneumonia", "procedure_reported_chest", "films"}
"""Concepts of SNOMED CT that the standard does not use, and an annotation of UCUM."""


def in_dictionary(group: str) -> set[tuple[str, str]]:
    """(scheme, value) of the codes of a scheme or of a context group, such as "cid240"."""
    entries = getattr(dictionary, group)
    return {(code.scheme_designator, code.value) for code in (getattr(entries, keyword) for keyword in entries.dir())}


def test_every_standard_code_is_in_the_dictionary_of_the_standard() -> None:
    known = in_dictionary("DCM") | in_dictionary("SCT") | in_dictionary("UCUM")
    known |= {("UCUM", "{pixels}"), ("SCT", "260753009")}  # of TID 1602 and TID 1600, which are no context groups
    standard = {key: (scheme, value) for key, (scheme, value, *_) in CODES.items() if scheme != codes.PRIVATE_SCHEME}
    assert {key for key, code in standard.items() if code not in known} == NOT_IN_PS3_16


def test_a_code_is_in_the_context_group_that_it_names() -> None:
    groups = {key: int(source.rsplit(" ", 1)[1]) for key, (*_, source) in CODES.items() if "CID" in source}
    outside = [key for key, group in groups.items() if tuple(CODES[key][:2]) not in in_dictionary(f"cid{group}")]
    assert outside == []


def test_every_code_is_unique_short_enough_and_has_a_source() -> None:
    assert len({(scheme, value) for scheme, value, *_ in CODES.values()}) == len(CODES)
    for key, (scheme, value, meaning, source) in CODES.items():
        assert len(scheme) <= 16 and 0 < len(meaning) <= 64 and source, key
        assert value, key


def test_every_label_reason_and_zone_has_a_code() -> None:
    keys = [*(f"answer_{label}" for label in (*CLASSES, UNKNOWN)), *(f"reason_{reason}" for reason in REASONS)]
    keys += [part for zone in ZONES for part in zone.split("_")]
    assert [key for key in keys if key not in CODES] == []


def test_the_docs_explain_every_private_code() -> None:
    text = (Path(__file__).parents[3] / "docs" / "dicom-results.md").read_text(encoding="utf-8")
    private = {value for scheme, value, *_ in CODES.values() if scheme == codes.PRIVATE_SCHEME}
    assert sorted(value for value in private if f"`{value}`" not in text) == []
