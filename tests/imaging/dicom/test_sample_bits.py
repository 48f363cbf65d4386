"""Kinds of samples, and tags about their bits that contradict them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from pneumonia.errors import UnreadableImage
from pneumonia.imaging import read
from pneumonia.imaging.byte_order import correct_byte_order
from pneumonia.imaging.dicom.sample_bits import interpret_decoded
from tests.support import codestreams
from tests.support.deep_films import deepen, largest_difference
from tests.support.dicom_files import dicom, encapsulated

Grey = npt.NDArray[np.uint8]
NEGATIVE: dict[str, Any] = {"PhotometricInterpretation": "MONOCHROME1"}


@pytest.fixture(scope="module")
def film(full_range_film: Grey) -> Grey:
    return full_range_film


@pytest.mark.parametrize(("bits", "declared"), [(16, 12), (14, 12), (12, 10), (12, 8), (16, 10), (14, 8)])
@pytest.mark.parametrize("tags", [{}, NEGATIVE], ids=["MONOCHROME2", "MONOCHROME1"])
def test_values_above_bits_stored_do_not_wrap(bits: int, declared: int, tags: dict[str, Any], film: Grey) -> None:
    stored = deepen(film, bits) if not tags else 2**bits - 1 - deepen(film, bits)
    assert largest_difference(dicom(stored, BitsStored=declared, **tags), film) <= 1


@pytest.mark.parametrize("bits", [None, 0, 17, 9000])
def test_bits_stored_outside_its_range_are_those_allocated(bits: int | None, film: Grey) -> None:
    assert largest_difference(dicom(deepen(film), BitsStored=bits, HighBit=11), film) <= 1
    syntax, compress = codestreams.LOSSLESS["JPEG-LS lossless"]
    frame = compress(deepen(film, 16), 16)
    assert largest_difference(encapsulated(deepen(film, 16), syntax, frame, BitsStored=bits, HighBit=11), film) <= 1


def test_bytes_of_fewer_than_8_bits_are_scaled_to_white(film: Grey) -> None:
    levels = np.rint(film * (63 / 255)).astype(np.uint8)
    assert largest_difference(dicom(levels, BitsStored=6), film) <= 2
    assert largest_difference(dicom(63 - levels, BitsStored=6, **NEGATIVE), film) <= 2
    assert largest_difference(dicom(film, BitsStored=7), film) == 0


@pytest.mark.parametrize("high_bit", [11, 15, 7, 3, 40])
def test_a_wrong_high_bit_does_not_move_the_values(high_bit: int, film: Grey) -> None:
    assert largest_difference(dicom(deepen(film), BitsStored=12, HighBit=high_bit), film) <= 1


def test_values_in_the_high_bits_are_read_without_their_high_bit(film: Grey) -> None:
    assert largest_difference(dicom(deepen(film) << 4, BitsStored=12, HighBit=11), film) <= 1


@pytest.mark.parametrize("kind", ["text", "area", "random bits", "random bit"])
def test_overlays_above_the_stored_bits_are_dropped(kind: str, film: Grey) -> None:
    generator = np.random.default_rng(0)
    overlay = np.zeros(film.shape, np.uint16)
    if kind == "text":
        overlay[20:200:3, 20:300:5] = 0x1000
    elif kind == "area":
        overlay[100:300, 200:500] = 0x8000
    else:
        overlay[:] = generator.integers(0, 16 if kind == "random bits" else 2, film.shape) << 12
    data = dicom(deepen(film) | overlay, BitsStored=12)
    np.testing.assert_array_equal(read(data).pixels, deepen(film))


LOSSLESS = ["JPEG-LS lossless", "JPEG 2000 lossless", "JPEG lossless, first order"]


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize(("bits", "declared"), [(16, 12), (12, 10), (12, 8)])
def test_compressed_values_above_bits_stored_do_not_wrap(bits: int, declared: int, name: str, film: Grey) -> None:
    syntax, compress = codestreams.LOSSLESS[name]
    data = encapsulated(deepen(film, bits), syntax, compress(deepen(film, bits), bits), BitsStored=declared)
    assert largest_difference(data, film) <= 1


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("kind", ["text", "random bits", "constant bits"])
def test_overlays_that_were_compressed_with_the_film_are_dropped(kind: str, name: str, film: Grey) -> None:
    overlay = np.zeros(film.shape, np.uint16)
    if kind == "text":
        overlay[20:80:3, 20:100:5] = 0x8000
    elif kind == "random bits":
        overlay[:] = np.random.default_rng(0).integers(0, 16, film.shape) << 12
    else:
        overlay[:] = 0x5000
    syntax, compress = codestreams.LOSSLESS[name]
    data = encapsulated(deepen(film), syntax, compress(deepen(film) | overlay, 16), BitsStored=12)
    np.testing.assert_array_equal(read(data).pixels, deepen(film))


def test_values_that_a_lossy_compression_raised_above_bits_stored_do_not_wrap() -> None:
    columns = np.tile(np.linspace(0, 4150, 512), (512, 1)).astype(np.uint16)
    np.testing.assert_array_equal(interpret_decoded(columns, 12), columns)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("tags", [{}, {"BitsStored": 16}], ids=["BitsStored", "BitsStored 16"])
def test_pixels_in_another_byte_order_than_the_file_are_read(bits: int, tags: dict[str, Any], film: Grey) -> None:
    for syntax in (ExplicitVRLittleEndian, ExplicitVRBigEndian):
        data = dicom(with_grain(film, bits).byteswap(), syntax=syntax, **{"BitsStored": bits, **tags})
        assert largest_difference(data, film) <= 1


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("name", ["JPEG lossless, first order", "JPEG-LS lossless", "JPEG 2000 lossless", "RLE"])
def test_a_compressed_film_whose_bytes_were_exchanged_before_is_read(name: str, bits: int, film: Grey) -> None:
    syntax, compress = codestreams.LOSSLESS[name]
    exchanged = with_grain(film, bits).byteswap()
    data = encapsulated(exchanged, syntax, compress(exchanged, 16), BitsStored=bits)
    assert largest_difference(data, film) <= 1


def with_grain(film: Grey, bits: int) -> npt.NDArray[np.uint16]:
    """The film with `bits`, of which the lowest ones are not a function of the others."""
    grain = np.random.default_rng(0).normal(0, 0.5, film.shape)
    samples: npt.NDArray[np.uint16] = np.rint(np.clip(film + grain, 0, 255) * ((2**bits - 1) / 255)).astype(np.uint16)
    return samples


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_noise_keeps_its_byte_order(bits: int) -> None:
    noise = np.random.default_rng(0).integers(0, 2**bits, (300, 300), dtype=np.uint16)
    np.testing.assert_array_equal(correct_byte_order(noise, bits), noise)


def test_random_bits_above_a_film_of_8_bits_are_not_its_values(film: Grey) -> None:
    samples = film | (np.random.default_rng(0).integers(0, 256, film.shape, dtype=np.uint16) << 8)
    np.testing.assert_array_equal(read(dicom(samples, BitsStored=8)).pixels, film)


@pytest.mark.parametrize(("bits", "stored_bits"), [(12, 12), (16, 16), (8, 8), (14, 14)])
@pytest.mark.parametrize("tags", [{}, NEGATIVE], ids=["MONOCHROME2", "MONOCHROME1"])
def test_unsigned_values_that_are_declared_signed(
    bits: int, stored_bits: int, tags: dict[str, Any], film: Grey
) -> None:
    stored = film if bits == 8 else deepen(film, bits)
    stored = stored if not tags else (2**bits - 1 - stored).astype(stored.dtype)
    assert largest_difference(dicom(stored, BitsStored=stored_bits, PixelRepresentation=1, **tags), film) <= 1


@pytest.mark.parametrize("name", ["JPEG lossless, first order", "JPEG-LS lossless", "JPEG 2000 lossless", "RLE"])
def test_compressed_unsigned_values_that_are_declared_signed(name: str, film: Grey) -> None:
    syntax, compress = codestreams.LOSSLESS[name]
    data = encapsulated(deepen(film), syntax, compress(deepen(film), 12), BitsStored=12, PixelRepresentation=1)
    assert largest_difference(data, film) <= 1


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("representation", [0, None, 7])
def test_signed_values_that_are_declared_unsigned(representation: int | None, bits: int, film: Grey) -> None:
    signed = (deepen(film).astype(np.int16) - 2048).view(np.uint16)
    assert largest_difference(dicom(signed, BitsStored=bits, PixelRepresentation=representation), film) <= 1


@pytest.mark.parametrize("offset", [0, 1000, 1024, 2048, 4095])
def test_signed_films_are_mapped_from_their_own_range(offset: int, film: Grey) -> None:
    signed = deepen(film).astype(np.int16) - offset
    assert largest_difference(dicom(signed, BitsStored=16), film) <= 1
    assert largest_difference(dicom(-signed, BitsStored=16, **NEGATIVE), film) <= 1


@pytest.mark.parametrize("dtype", ["uint32", "int32", "uint64", "int64"])
@pytest.mark.parametrize("factor", [1, 16, 4000])
@pytest.mark.parametrize("tags", [{}, NEGATIVE], ids=["MONOCHROME2", "MONOCHROME1"])
def test_samples_of_32_and_64_bits_are_read(tags: dict[str, Any], factor: int, dtype: str, film: Grey) -> None:
    stored = deepen(film).astype(dtype) * factor
    stored = stored if not tags else stored.max() - stored
    assert largest_difference(dicom(stored, **tags), film) <= 1


def test_a_window_applies_to_samples_of_32_bits(film: Grey) -> None:
    stored = deepen(film).astype(np.uint32) * 500 + 1_000_000
    window: dict[str, Any] = {"WindowCenter": 2_024_000, "WindowWidth": 2_048_000}
    assert largest_difference(dicom(stored, **window), film) <= 1


@pytest.mark.parametrize("name", ["FloatPixelData", "DoubleFloatPixelData"])
@pytest.mark.parametrize("negative", [False, True])
def test_floats_are_read(name: str, negative: bool, film: Grey) -> None:
    values = (12.5 * (255 - film.astype(np.float64) if negative else film) - 300).astype(
        "<f4" if name[0] == "F" else "<f8"
    )
    tags = NEGATIVE if negative else {}
    assert largest_difference(floats(film, name, values, **tags), film) <= 1
    unit = ((values + 300) / 3187.5).astype(values.dtype)
    assert largest_difference(floats(film, name, unit, **tags), film) <= 1


def test_pixel_data_are_read_where_floats_are_beside_them(film: Grey) -> None:
    data = dicom(deepen(film), BitsStored=12, FloatPixelData=np.zeros(film.shape, "<f4").tobytes())
    assert largest_difference(data, film) <= 1


def test_padding_of_floats_is_black(film: Grey) -> None:
    values = film.astype("<f4")
    values[:, :100] = -1e30
    plain = film.copy()
    plain[:, :100] = 0
    assert largest_difference(floats(film, "FloatPixelData", values, FloatPixelPaddingValue=-1e30), plain) <= 1


def test_floats_that_are_not_numbers_are_refused(film: Grey) -> None:
    values = film.astype("<f4")
    values[300, 300] = np.nan
    for tags in ({}, {"WindowCenter": 128, "WindowWidth": 256}):
        with pytest.raises(UnreadableImage, match="NaN or infinite"):
            read(floats(film, "FloatPixelData", values, **tags))


def floats(film: Grey, name: str, values: npt.NDArray[Any], **tags: Any) -> bytes:
    """A parametric map; it has no BitsStored, HighBit and PixelRepresentation."""
    missing: dict[str, Any] = dict.fromkeys(("PixelData", "BitsStored", "HighBit", "PixelRepresentation"))
    elements = {**missing, **tags, "BitsAllocated": 8 * values.dtype.itemsize, name: values.tobytes()}
    return dicom(film, **elements)


def test_one_bit_is_black_and_white(film: Grey) -> None:
    dithered = Image.fromarray(film).convert("1")
    bits = np.asarray(dithered)
    data = dicom(
        bits.astype(np.uint8),
        BitsAllocated=1,
        BitsStored=1,
        PixelData=np.packbits(bits, axis=None, bitorder="little").tobytes(),
    )
    np.testing.assert_array_equal(read(data).pixels, np.asarray(dithered.convert("L")))
