"""Grey films saved in colour, whose tags contradict the layout of their samples."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import jpeg_ls
import numpy as np
import numpy.typing as npt
import pytest
from openjpeg.utils import encode_array
from PIL import Image
from pydicom.uid import UID, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from pneumonia.imaging import read, read_values
from pneumonia.imaging.dicom.photometric import PHOTOMETRIC_WARNING
from tests.support.deep_films import largest_difference
from tests.support.dicom_files import dicom, encapsulated

Grey = npt.NDArray[np.uint8]
COLOUR_WARNING = "The image is in colour; it was converted to greyscale."


@pytest.fixture(scope="module")
def film(full_range_film: Grey) -> Grey:
    return np.ascontiguousarray(full_range_film[::4, ::4])


def rgb(film: Grey) -> Grey:
    return np.repeat(film[:, :, None], 3, axis=2)


def ybr(film: Grey) -> Grey:
    grey = np.full_like(film, 128)
    return np.stack([film, grey, grey], axis=2)


def stored(colours: Grey, planar: int, **tags: Any) -> bytes:
    """A file of colours that are stored in the order `planar`."""
    pixels = np.moveaxis(colours, -1, 0) if planar else colours
    names = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": planar}
    return dicom(colours[:, :, 0], PixelData=pixels.tobytes(), **{**names, **tags})


@pytest.mark.parametrize("space", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("declared", [0, 1, None])
@pytest.mark.parametrize("planar", [0, 1])
def test_a_wrong_planar_configuration_does_not_scramble_a_film(
    planar: int, declared: int | None, space: str, film: Grey
) -> None:
    colours = rgb(film) if space == "RGB" else ybr(film)
    data = stored(colours, planar, PlanarConfiguration=declared, PhotometricInterpretation=space)
    np.testing.assert_allclose(read(data).pixels, film, atol=1)
    np.testing.assert_allclose(read_values(data).values, film, atol=1)
    assert read(data).warnings == ()


@pytest.mark.parametrize(("make", "declared"), [(rgb, "YBR_FULL"), (ybr, "RGB")])
@pytest.mark.parametrize("planar", [0, 1])
def test_a_grey_film_in_the_other_colour_space_keeps_its_contrast(
    make: Any, declared: str, planar: int, film: Grey
) -> None:
    data = stored(make(film), planar, PlanarConfiguration=1 - planar, PhotometricInterpretation=declared)
    np.testing.assert_allclose(read(data).pixels, film, atol=1)


@pytest.mark.parametrize("planar", [0, 1])
def test_a_coloured_marker_does_not_hide_the_order_of_the_samples(planar: int, film: Grey) -> None:
    colours = rgb(film)
    colours[10:40, 10:100] = 255, 200, 0
    right = read(stored(colours, planar))
    wrong = read(stored(colours, planar, PlanarConfiguration=1 - planar))
    np.testing.assert_array_equal(wrong.pixels, right.pixels)
    assert wrong.warnings == right.warnings


def test_colours_keep_the_declared_order(film: Grey) -> None:
    colours = np.stack([film, film[::-1], film[:, ::-1]], axis=2)
    expected = np.asarray(Image.fromarray(colours).convert("L"))
    for planar in (0, 1):
        np.testing.assert_allclose(read(stored(colours, planar)).pixels, expected, atol=1)
        assert COLOUR_WARNING in read(stored(colours, planar)).warnings


@pytest.mark.parametrize(("samples", "term"), [(3, "MONOCHROME2"), (1, "RGB"), (1, "YBR_FULL")])
def test_three_samples_are_read_where_one_tag_denies_them(samples: int, term: str, film: Grey) -> None:
    colours = ybr(film) if term == "YBR_FULL" else rgb(film)
    data = stored(colours, 0, SamplesPerPixel=samples, PhotometricInterpretation=term)
    np.testing.assert_allclose(read(data).pixels, film, atol=1)


@pytest.mark.parametrize(("samples", "term", "warnings"), [(3, "MONOCHROME2", 0), (3, "MONOCHROME1", 0), (1, "RGB", 1)])
def test_one_sample_is_read_where_one_tag_states_three(samples: int, term: str, warnings: int, film: Grey) -> None:
    inverse = term == "MONOCHROME1"
    read_film = read(dicom(255 - film if inverse else film, SamplesPerPixel=samples, PhotometricInterpretation=term))
    np.testing.assert_array_equal(read_film.pixels, film)
    assert read_film.warnings == (PHOTOMETRIC_WARNING,) * warnings


def test_shared_colours_are_recognised_without_the_number_of_samples(film: Grey) -> None:
    film = film[:, : film.shape[1] // 2 * 2].copy()
    pairs = film.reshape(-1, 2)
    data = np.concatenate([pairs, np.full_like(pairs, 128)], axis=1).tobytes()
    tags: dict[str, Any] = {"PhotometricInterpretation": "YBR_FULL_422", "SamplesPerPixel": 1}
    np.testing.assert_allclose(read(dicom(film, PixelData=data, **tags)).pixels, film, atol=1)


def jpeg(pixels: Grey, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, options.pop("format", "JPEG"), **options)
    return buffer.getvalue()


def jpeg_ls_frame(colours: Grey) -> bytes:
    return bytes(jpeg_ls.encode_array(colours, interleave_mode=2))


@pytest.mark.parametrize(
    ("name", "samples"), [("JPEG of YCbCr", 1), ("JPEG of RGB", 3), ("JPEG 2000", 3), ("JPEG-LS", 1)]
)
def test_a_codestream_in_colour_is_read_under_the_name_of_grey(name: str, samples: int, film: Grey) -> None:
    colours, exact = rgb(film), {"format": "JPEG2000", "irreversible": False, "no_jp2": True}
    syntax, frame = {
        "JPEG of YCbCr": (JPEGBaseline8Bit, jpeg(colours, quality=100)),
        "JPEG of RGB": (JPEGBaseline8Bit, jpeg(colours, quality=100, keep_rgb=True)),
        "JPEG 2000": (JPEG2000Lossless, jpeg(colours, **exact)),
        "JPEG-LS": (JPEGLSLossless, jpeg_ls_frame(colours)),
    }[name]
    data = encapsulated(film, syntax, frame, SamplesPerPixel=samples)
    assert largest_difference(data, film) <= 2
    assert read(data).warnings == ()


def test_a_grey_codestream_is_read_under_the_name_of_colour(film: Grey) -> None:
    frame = jpeg(film, quality=100)
    tags: dict[str, Any] = {"PhotometricInterpretation": "YBR_FULL_422", "SamplesPerPixel": 3}
    data = encapsulated(film, JPEGBaseline8Bit, frame, **tags)
    assert largest_difference(data, film) <= 2
    assert read(data).warnings == (PHOTOMETRIC_WARNING,)


def rle_frame(colours: Grey) -> bytes:
    """One literal run for each 128 bytes of each plane."""
    planes = [colours[:, :, index].tobytes() for index in range(3)]
    segments = [
        b"".join(bytes([len(plane[at : at + 128]) - 1]) + plane[at : at + 128] for at in range(0, len(plane), 128))
        for plane in planes
    ]
    padded = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    offsets = np.cumsum([64, *map(len, padded[:-1])]).tolist()
    return struct.pack("<16L", 3, *offsets, *[0] * 12) + b"".join(padded)


LOSSLESS_FRAMES: dict[str, tuple[UID, Callable[[Grey], bytes]]] = {
    "RLE": (RLELossless, rle_frame),
    "JPEG-LS": (JPEGLSLossless, jpeg_ls_frame),
    "JPEG 2000": (JPEG2000Lossless, lambda colours: bytes(encode_array(colours, use_mct=False))),
}


@pytest.mark.parametrize("term", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("is_rgb", [True, False], ids=["RGB", "YBR"])
@pytest.mark.parametrize("name", LOSSLESS_FRAMES)
def test_the_samples_of_a_frame_decide_over_its_colour_space(name: str, is_rgb: bool, term: str, film: Grey) -> None:
    syntax, encode = LOSSLESS_FRAMES[name]
    colours = rgb(film) if is_rgb else ybr(film)
    tags: dict[str, Any] = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": term}
    data = encapsulated(film, syntax, encode(colours), **tags)
    assert largest_difference(data, film) <= 1
    assert read(data).warnings == ()


@pytest.mark.parametrize("planar", [0, 1, None])
@pytest.mark.parametrize("name", ["JPEG", *LOSSLESS_FRAMES])
def test_the_order_of_uncompressed_samples_has_no_meaning_in_a_frame(name: str, planar: int | None, film: Grey) -> None:
    """PS3.5, 8.2.1; some files in colour keep the value 1 from before their compression."""
    syntax, encode = LOSSLESS_FRAMES.get(name, (JPEGBaseline8Bit, lambda colours: jpeg(colours, quality=100)))
    tags: dict[str, Any] = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": planar}
    assert largest_difference(encapsulated(film, syntax, encode(rgb(film)), **tags), film) <= 2


@pytest.mark.parametrize("term", ["RGB", "YBR_FULL"])
def test_a_coloured_frame_keeps_its_declared_colour_space(term: str, film: Grey) -> None:
    colours = np.stack([film, film[::-1], film[:, ::-1]], axis=2)
    tags: dict[str, Any] = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": term}
    compressed = encapsulated(film, JPEGLSLossless, jpeg_ls_frame(colours), **tags)
    plain = dicom(film, PixelData=colours.tobytes(), **tags)
    np.testing.assert_allclose(read(compressed).pixels, read(plain).pixels, atol=1)


@pytest.mark.parametrize("term", ["RGB", "YBR_FULL_422", "MONOCHROME2"])
def test_a_jpeg_with_components_named_rgb_needs_no_segment_of_adobe(term: str, film: Grey) -> None:
    frame = jpeg(rgb(film), quality=100, keep_rgb=True)
    segment = frame.index(b"\xff\xee\x00\x0eAdobe")
    data = encapsulated(film, JPEGBaseline8Bit, frame[:segment] + frame[segment + 16 :], PhotometricInterpretation=term)
    assert largest_difference(data, film) <= 2
    assert read(data).warnings == ()
