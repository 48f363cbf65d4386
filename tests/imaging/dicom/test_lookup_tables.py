"""Modality and VOI lookup tables as vendors write them, and the rule that applies if a table is unusable."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pneumonia.imaging import read
from tests.support.deep_films import IDENTITY, deepen, largest_difference, table
from tests.support.dicom_files import dicom

Grey = npt.NDArray[np.uint8]
INVERSION = 4095 - IDENTITY
BYTES = (IDENTITY >> 4).astype(np.uint8)
ALL_16_BITS = np.arange(65536)
SEQUENCES = ["ModalityLUTSequence", "VOILUTSequence"]


@pytest.fixture(scope="module")
def film(full_range_film: Grey) -> Grey:
    return full_range_film


TABLES: dict[str, Dataset] = {
    "12 bits": table(INVERSION, bits=12),
    "16 bits declared, 12 used": table(INVERSION, bits=16),
    "12 bits declared, 16 used": table(INVERSION * 16, bits=12),
    "no bits declared": table(INVERSION, bits=0),
    "65,536 entries": table(np.maximum(65535 - 16 * ALL_16_BITS, 0), count=0),
    "words": table(INVERSION, bits=12, vr="US"),
    "signed descriptor": table(INVERSION, bits=12, descriptor_vr="SS"),
    "8 bits in words": table(BYTES[::-1], bits=8),
    "8 bits in words of VR US": table(BYTES[::-1], bits=8, vr="US"),
    "8 bits in the high bytes": table(BYTES[::-1].astype(np.uint16) << 8, bits=8),
    "8 bits packed": table(IDENTITY, bits=8, data=BYTES[::-1].tobytes()),
    "8 bits packed, 16 declared": table(IDENTITY, bits=16, data=BYTES[::-1].tobytes()),
    "fewer entries": table(INVERSION[:4090], count=4096, bits=12),
    "more entries": table(INVERSION, count=4000, bits=12),
    "many more entries": table(INVERSION, count=256, bits=12),
    "padded": table(np.r_[INVERSION, np.full(64, 4095)], count=4096, bits=12),
    "after an empty item": Dataset(),
}


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_looked_up_however_it_is_written(name: str, sequence: str, syntax: Any, film: Grey) -> None:
    """The tables invert the film, so that an ignored table is detected."""
    items = [Dataset(), TABLES["12 bits"]] if name == "after an empty item" else [TABLES[name]]
    tags: dict[str, Any] = {sequence: items}
    data = dicom(4095 - deepen(film), BitsStored=12, syntax=syntax, **tags)
    assert largest_difference(data, film) <= (2 if name == "8 bits in the high bytes" else 1)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize(
    "item",
    [
        table(INVERSION, bits=12, data=INVERSION.astype(">u2").tobytes()),
        table(INVERSION, bits=12, vr="US"),
        # The first of two packed entries is the low byte of a word, whose bytes are swapped in a big-endian file.
        table(IDENTITY, bits=8, data=BYTES[::-1].reshape(-1, 2)[:, ::-1].tobytes()),
    ],
    ids=["OW", "US", "packed"],
)
def test_a_table_in_a_big_endian_file_is_not_byte_swapped(item: Dataset, sequence: str, film: Grey) -> None:
    tags: dict[str, Any] = {sequence: [item]}
    assert largest_difference(dicom(4095 - deepen(film), BitsStored=12, syntax=ExplicitVRBigEndian, **tags), film) <= 1


def test_a_voi_table_for_16_bits_does_not_wrap(film: Grey) -> None:
    stored = 65535 - deepen(film, 16)
    data = dicom(stored, VOILUTSequence=[table(ALL_16_BITS[::-1], count=0)])
    assert largest_difference(data, film) <= 1
    np.testing.assert_array_equal(read(data).pixels, 65535 - stored)


@pytest.mark.parametrize("descriptor_vr", ["US", "SS"])
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_negative_first_value_may_be_written_as_unsigned(sequence: str, descriptor_vr: str, film: Grey) -> None:
    item = table(INVERSION, first=-2048 if descriptor_vr == "SS" else 63488, bits=12, descriptor_vr=descriptor_vr)
    stored = (4095 - deepen(film)).astype(np.int16) - 2048
    tags: dict[str, Any] = {sequence: [item]}
    assert largest_difference(dicom(stored, BitsStored=12, **tags), film) <= 1


def test_a_voi_table_maps_the_output_of_the_rescale(film: Grey) -> None:
    item = table(INVERSION, first=63488, bits=12)
    data = dicom(4095 - deepen(film), BitsStored=12, RescaleSlope=1, RescaleIntercept=-2048, VOILUTSequence=[item])
    assert largest_difference(data, film) <= 1


def test_a_first_value_above_the_lowest_values_maps_these_to_the_first_entry() -> None:
    ramp = np.tile(np.arange(0, 4000, 20, dtype=np.uint16), (160, 1))
    film = read(dicom(ramp, BitsStored=12, ModalityLUTSequence=[table(IDENTITY[:3000], first=500, bits=12)]))
    np.testing.assert_array_equal(film.pixels[0], np.clip(ramp[0].astype(int) - 500, 0, 2999))


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_valid_table_gives_the_values_of_pydicom(sequence: str, film: Grey) -> None:
    curve = np.rint(65535 * (IDENTITY / 4095) ** 0.5).astype(np.uint16)
    dataset = Dataset()
    dataset.add_new(sequence, "SQ", [table(curve, vr="US")])
    stored = deepen(film)
    expected = (apply_modality_lut if sequence == "ModalityLUTSequence" else apply_voi_lut)(stored, dataset)
    tags: dict[str, Any] = {sequence: [table(curve)]}
    np.testing.assert_array_equal(read(dicom(stored, BitsStored=12, **tags)).pixels, expected)


def test_modality_and_voi_tables_are_chained(film: Grey) -> None:
    to_16_bits, to_12_bits = table(INVERSION * 16), table(ALL_16_BITS >> 4, count=0, bits=12)
    tags: dict[str, Any] = {"ModalityLUTSequence": [to_16_bits], "VOILUTSequence": [to_12_bits]}
    assert largest_difference(dicom(4095 - deepen(film), BitsStored=12, **tags), film) <= 1


def test_a_window_applies_to_the_output_of_a_modality_table(film: Grey) -> None:
    tags: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    data = dicom(4195 - deepen(film), BitsStored=13, ModalityLUTSequence=[table(INVERSION, first=100, bits=12)], **tags)
    assert largest_difference(data, film) <= 1


def without(keyword: str) -> Dataset:
    item = table(INVERSION, bits=12)
    del item[keyword]
    return item


UNUSABLE: dict[str, list[Dataset]] = {
    "no item": [],
    "empty item": [Dataset()],
    "no data": [without("LUTData")],
    "empty data": [table(IDENTITY, data=b"")],
    "no descriptor": [without("LUTDescriptor")],
    "constant": [table(np.zeros(4096))],
    "beside the film": [table(INVERSION, first=30_000, bits=12)],
    "two entries": [table(np.array([0, 4095]), count=4096, bits=12)],
    "an eighth of the film": [table(IDENTITY[:512], count=4096, bits=12)],
    "one entry": [table(np.array([7]))],
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_window_applies_if_no_voi_table_is_usable(name: str, film: Grey) -> None:
    stored = deepen(film) // 2 + 1000
    data = dicom(stored, BitsStored=12, VOILUTSequence=UNUSABLE[name], WindowCenter=2024, WindowWidth=2048)
    assert largest_difference(data, film) <= 1


@pytest.mark.parametrize("name", UNUSABLE)
def test_the_rescale_applies_if_no_modality_table_is_usable(name: str, film: Grey) -> None:
    tags: dict[str, Any] = {"RescaleSlope": -1, "RescaleIntercept": 4095, "ModalityLUTSequence": UNUSABLE[name]}
    assert largest_difference(dicom(4095 - deepen(film), BitsStored=12, **tags), film) <= 1


@pytest.mark.parametrize("name", UNUSABLE)
def test_the_film_keeps_its_own_range_if_nothing_is_usable(name: str, film: Grey) -> None:
    tags: dict[str, Any] = dict.fromkeys(SEQUENCES, UNUSABLE[name])
    assert largest_difference(dicom(deepen(film), BitsStored=12, **tags), film) <= 1
