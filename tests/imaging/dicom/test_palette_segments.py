"""Segmented palettes are expanded as pydicom does, up to a limit."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian

from pneumonia.errors import UnreadableImage
from pneumonia.imaging.dicom.palette_segments import MAX_ENTRIES, expand
from pneumonia.imaging.dicom.reader import read
from tests.support.dicom_files import dicom
from tests.support.patterns import pattern

FILM = pattern()
SEGMENTS = {
    "discrete": [0, 3, 1, 5, 9],
    "linear": [0, 1, 0, 1, 255, 65535],
    "falling": [0, 1, 1000, 1, 10, 0],
    "constant": [0, 1, 7, 1, 5, 7],
    "trailing zero": [0, 2, 1, 5, 0],
    "indirect": [0, 2, 10, 20, 1, 4, 40, 2, 1, 0, 0],
}
EXPANDED = {
    "discrete": [1, 5, 9],
    "linear": list(range(0, 65536, 257)),
    "falling": [1000, *range(900, -1, -100)],
    "constant": [7] * 6,
    "trailing zero": [1, 5],
    "indirect": [10, 20, 25, 30, 35, 40, 10, 20],
}


@pytest.mark.parametrize("name", SEGMENTS)
def test_segments_are_expanded(name: str) -> None:
    np.testing.assert_array_equal(expand(np.array(SEGMENTS[name]), entry_bytes=2), EXPANDED[name])


DAMAGED = [[], [0], [5, 1, 1], [1, 3, 9], [0, 1, 5, 1, 3], [0, 1, 5, 2, 1, 200, 0], [0, 1, 5, 2, 1, 6, 0, 2, 1, 6, 0]]


@pytest.mark.parametrize("codes", DAMAGED, ids=str)
def test_damaged_segments_are_an_error(codes: list[int]) -> None:
    with pytest.raises(UnreadableImage):
        expand(np.array(codes), entry_bytes=2)


@pytest.mark.parametrize("codes", [[1, 65535, 5] * 3, [1, 30_000, 7, *[2, 2, 0, 0] * 2]], ids=["linear", "indirect"])
def test_the_number_of_entries_is_limited(codes: list[int]) -> None:
    with pytest.raises(UnreadableImage, match=f"Allowed: {MAX_ENTRIES:,} entries"):
        expand(np.array([0, 2, 5, 6, *codes]), entry_bytes=2)


def palette(syntax: UID, *codes: int, bits: int = 16) -> dict[str, Any]:
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    if bits == 8:
        codes = struct.unpack(f"<{len(codes) // 2}H", bytes(codes))
    value = struct.pack(f"{order}{len(codes)}H", *codes)
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        tags[f"Segmented{colour}PaletteColorLookupTableData"] = value
    return tags


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian], ids=lambda syntax: syntax.name)
def test_a_film_with_a_grey_ramp_in_segments_is_the_plain_film(syntax: UID) -> None:
    deep = read(dicom(FILM, syntax=syntax, **palette(syntax, 0, 1, 0, 1, 255, 65535)))
    np.testing.assert_array_equal(deep.pixels, FILM)
    bytes_ = read(dicom(FILM, syntax=syntax, **palette(syntax, 0, 1, 0, 1, 255, 255, bits=8)))
    np.testing.assert_array_equal(bytes_.pixels, FILM)


def test_a_missing_palette_is_an_error() -> None:
    with pytest.raises(UnreadableImage, match="palette"):
        read(dicom(FILM, PhotometricInterpretation="PALETTE COLOR"))
