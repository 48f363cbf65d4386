"""Every code of the structured report has a coding of FHIR."""

from __future__ import annotations

import json
from pathlib import Path

from pneumonia.reporting.dicom import codes
from pneumonia.reporting.fhir import terms
from tests.support.fhir_rules import CODE_SYSTEMS

CODES = json.loads(Path(codes.__file__).with_name("codes.json").read_text(encoding="utf-8"))["concepts"]


def test_every_code_has_a_system_that_is_known() -> None:
    codings = {key: terms.term_coding(key) for key in CODES}
    assert {coding["system"] for coding in codings.values()} <= CODE_SYSTEMS
    assert {key: (coding["code"], coding["display"]) for key, coding in codings.items()} == {
        key: (value, meaning) for key, (_, value, meaning, _) in CODES.items()
    }
