"""Names in the character sets of the world, declared rightly, wrongly and not at all, arrive in Unicode."""

from __future__ import annotations

import pytest

from pneumonia.reporting.dicom.character_sets import decode, encodings_of
from tests.support.character_set_samples import DECLARED, FAULTS


@pytest.mark.parametrize("name", DECLARED)
def test_a_text_is_decoded_from_its_declared_character_set(name: str) -> None:
    declared, value, text = DECLARED[name]
    assert decode(value, encodings_of(declared)) == text


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_declaration_does_not_cost_the_text(name: str) -> None:
    declared, value, text = FAULTS[name]
    assert decode(value, encodings_of(declared)) == text


def test_any_bytes_give_a_text_without_control_characters() -> None:
    for declared in ("", "ISO_IR 100", "ISO_IR 192", "GB18030", "ISO_IR 13", "\\ISO 2022 IR 87", "\\ISO 2022 IR 149"):
        for first in range(256):
            text = decode(bytes([0x41, first, 0x42, 255 - first]), encodings_of(declared))
            assert not any(ord(character) < 32 and character not in "\t\n\f\r" for character in text)
