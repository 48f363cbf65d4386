"""JPEG and JPEG 2000: damaged metadata, missing ends, rare kinds of compression, and what each gets; docs/inputs.md."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.errors import UnreadableImage
from pneumonia.imaging import read
from tests.support import codestreams
from tests.support.odd_films import ROTATION, SEVERAL, deep, film, picture, rgb, with_alpha
from tests.support.oddities import READ, Oddity, check, refused, warned
from tests.support.picture_files import (
    Samples,
    jpeg_segment,
    saved,
)


@cache
def jpeg() -> bytes:
    return saved(film(), "JPEG", quality=95)


def jpeg_with(*segments: bytes) -> bytes:
    return jpeg()[:2] + b"".join(segments) + jpeg()[2:]


def exif() -> bytes:
    """EXIF tags that declare a rotation."""
    tags = Image.Exif()
    tags[274] = 6
    return tags.tobytes()


def rotated_by_xmp(attribute: bytes) -> bytes:
    """The film on its side, with a property of XMP that declares the rotation."""
    packet = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:Description " + attribute
    rotated = saved(np.rot90(film()).copy(), "JPEG", quality=95)
    return rotated[:2] + jpeg_segment(0xE1, packet + b"/></x:xmpmeta>") + rotated[2:]


def inks_as_they_are(inks: list[Samples]) -> bytes:
    """CMYK without the mark of Adobe; Pillow inverts what it writes."""
    inverted = 255 - np.stack(inks, axis=2)
    data = saved(Image.frombytes("CMYK", picture().size, inverted.tobytes()), "JPEG", quality=95)
    mark = data.index(b"\xff\xee\x00\x0eAdobe")
    return data[:mark] + data[mark + 16 :]


def height_behind_the_data() -> bytes:
    data = bytearray(jpeg())
    frame = data.index(b"\xff\xc0")
    height = bytes(data[frame + 5 : frame + 7])
    data[frame + 5 : frame + 7] = bytes(2)
    return bytes(data[:-2]) + jpeg_segment(0xDC, height) + b"\xff\xd9"


def two_channels() -> bytes:
    frame = jpeg().index(b"\xff\xc0")
    header = bytearray(jpeg()[frame : frame + 13]) + bytes([2, 0x11, 0])
    header[3], header[9] = len(header) - 2, 2
    return jpeg()[:frame] + bytes(header) + jpeg()[frame + 13 :]


def lossless_with_spectral_end() -> bytes:
    frame = bytearray(codestreams.jpeg_lossless(deep(12), 12))
    frame[frame.index(b"\xff\xda") + 8] = 63
    return bytes(frame)


ODDITIES = (
    Oddity(
        "JPEG: rotation by XMP in single quotes",
        lambda: rotated_by_xmp(b"tiff:Orientation='6'"),
        READ,
        "XML allows both kinds of quotes",
    ),
    Oddity(
        "JPEG: rotation by XMP with white space",
        lambda: rotated_by_xmp(b'tiff:Orientation\n = "6"'),
        READ,
        "XML allows white space",
    ),
    Oddity(
        "JPEG: lossless, with a spectral selection",
        lossless_with_spectral_end,
        READ,
        "lossless JPEG has no spectrum, and some scanners write the number of other processes",
    ),
    Oddity(
        "JPEG: damaged EXIF tags",
        lambda: jpeg_with(jpeg_segment(0xE1, b"Exif\0\0damaged")),
        warned(ROTATION),
        "the tags may declare a rotation",
    ),
    Oddity(
        "JPEG: EXIF tags that end early",
        lambda: jpeg_with(jpeg_segment(0xE1, exif()[:20])),
        warned(ROTATION),
        "the tags may declare a rotation",
    ),
    Oddity(
        "JPEG: colour profile of 3 MB in 50 segments, in the wrong order",
        lambda: jpeg_with(
            *(jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([(7 * n) % 50, 50]) + bytes(60_000)) for n in range(50))
        ),
        READ,
        "the profile is not read",
    ),
    Oddity(
        "JPEG: 2 MB of comments",
        lambda: jpeg_with(*[jpeg_segment(0xFE, b"x" * 60_000)] * 33),
        READ,
        "comments are not read",
    ),
    Oddity(
        "JPEG: damaged segments of JFIF, Adobe, Photoshop, XMP and FlashPix",
        lambda: jpeg_with(
            jpeg_segment(0xE0, b"JFIF\0"),
            jpeg_segment(0xEE, b"Adobe"),
            jpeg_segment(0xED, b"Photoshop 3.0\x008BIM"),
            jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x"),
            jpeg_segment(0xE2, b"FPXR\0"),
        ),
        READ,
        "metadata do not change the picture",
    ),
    Oddity(
        "JPEG: damaged list of images (MPF)",
        lambda: jpeg_with(jpeg_segment(0xE2, b"MPF\0damaged")),
        READ,
        "the first image is complete",
    ),
    Oddity(
        "JPEG: metadata segment with a length that is too large",
        lambda: jpeg_with(b"\xff\xe1\xff\x00Exif\0\0" + exif()[6:]),
        READ,
        "the image is found after it",
    ),
    Oddity(
        "JPEG: metadata segment with a length that is too small, with a thumbnail inside",
        lambda: jpeg_with(b"\xff\xe1\x00\x10Exif\0\0" + exif()[6:] + saved(picture().resize((160, 120)), "JPEG")),
        READ,
        "the largest image is used",
    ),
    Oddity("JPEG: without its end marker", lambda: jpeg()[:-2], READ, "all blocks are there"),
    Oddity("JPEG: with half of its end marker", lambda: jpeg()[:-1], READ, "all blocks are there"),
    Oddity(
        "JPEG: progressive, without its end marker",
        lambda: saved(film(), "JPEG", quality=95, progressive=True)[:-2],
        READ,
        "all scans and blocks are there",
    ),
    Oddity(
        "JPEG: in colour, without its end marker",
        lambda: saved(rgb(film()), "JPEG", quality=95)[:-2],
        READ,
        "all blocks are there",
    ),
    Oddity(
        "JPEG: cut at nine tenths",
        lambda: jpeg()[: len(jpeg()) * 9 // 10],
        refused("unreadable_image", "truncated"),
        "a part of a film is not answered",
    ),
    Oddity(
        "JPEG: without its last 30 bytes",
        lambda: jpeg()[:-30],
        refused("unreadable_image", "truncated"),
        "a part of a film is not answered",
    ),
    Oddity(
        "JPEG: cut at a half, with an end marker appended",
        lambda: jpeg()[: len(jpeg()) // 2] + b"\xff\xd9",
        refused("unreadable_image", "truncated"),
        "decoders fill the missing part with grey; it is not answered",
    ),
    Oddity(
        "JPEG: cut at a half, the rest filled with zeros",
        lambda: jpeg()[: len(jpeg()) // 2].ljust(len(jpeg()), b"\0"),
        refused("unreadable_image", "is missing"),
        "zeros are the rest of an incomplete download",
    ),
    Oddity(
        "JPEG: cut at a half, with zeros and an end marker",
        lambda: jpeg()[: len(jpeg()) // 2] + bytes(5_000) + b"\xff\xd9",
        refused("unreadable_image", "is missing"),
        "zeros are the rest of an incomplete download",
    ),
    Oddity(
        "JPEG: cut at a half, then another JPEG",
        lambda: jpeg()[: len(jpeg()) // 2] + jpeg(),
        refused("unreadable_image", "truncated"),
        "the first image is incomplete",
    ),
    Oddity(
        "JPEG: without its end marker, then another JPEG",
        lambda: jpeg()[:-2] + saved(picture().resize((80, 60)), "JPEG"),
        READ,
        "all blocks of the first image are there",
    ),
    Oddity(
        "JPEG: grey of 128 in its last corner",
        lambda: saved(_with_grey_corner(), "JPEG", quality=95),
        READ,
        "all blocks are there",
    ),
    Oddity(
        "JPEG: a part of the compressed data is zeros",
        lambda: _with_gap(4_000),
        refused("unreadable_image", "is missing"),
        "zeros in the usual tables are noise",
    ),
    Oddity(
        "JPEG: two start markers and filling before the header",
        lambda: b"\xff\xd8" + jpeg()[:2] + b"\xff" * 20 + jpeg()[2:],
        READ,
        "the second start marker is left out",
    ),
    Oddity(
        "JPEG: segment with an unknown marker",
        lambda: jpeg_with(b"\xff\xb0\0\4ab"),
        READ,
        "decoders do not need it",
    ),
    Oddity(
        "JPEG: progressive, cut after its first scan, with an end marker",
        lambda: _progressive_of_one_scan(),
        refused("unreadable_image", "truncated"),
        "the details are missing",
    ),
    Oddity(
        "JPEG: progressive, cut in its last scan, with an end marker",
        lambda: saved(film(), "JPEG", quality=95, progressive=True)[:-3_000] + b"\xff\xd9",
        READ,
        "the lowest bits of some details are missing; the model input differs by one grey level at most",
    ),
    Oddity(
        "JPEG: progressive, without its last scan",
        lambda: _progressive_without_last_scan(),
        refused("unreadable_image", "truncated"),
        "the details are missing",
    ),
    Oddity("JPEG: other data after its end", lambda: jpeg() + bytes(50_000), READ, "the picture ends before"),
    Oddity(
        "JPEG: with restart markers",
        lambda: saved(film(), "JPEG", quality=95, restart_marker_blocks=4),
        READ,
        "part of the standard",
    ),
    Oddity(
        "JPEG: CMYK",
        lambda: saved(picture(rgb(film())).convert("CMYK"), "JPEG", quality=95),
        READ,
        "part of the standard",
    ),
    Oddity(
        "JPEG: CMYK that is not inverted",
        lambda: inks_as_they_are([255 - film()] * 3 + [np.zeros_like(film())]),
        READ,
        "Adobe inverts the inks, others do not; the wrong way is black everywhere",
    ),
    Oddity(
        "JPEG: CMYK with black ink alone that is not inverted",
        lambda: inks_as_they_are([np.zeros_like(film())] * 3 + [255 - film()]),
        READ,
        "Adobe inverts the inks, others do not; the wrong way is black everywhere",
    ),
    Oddity(
        "JPEG: height behind the image data (DNL)",
        height_behind_the_data,
        READ,
        "part of the standard",
    ),
    Oddity(
        "JPEG: two channels",
        two_channels,
        refused("unsupported_format", "2 channels"),
        "no colour model has two channels",
    ),
    Oddity(
        "JPEG: several images (MPO)",
        lambda: saved(
            picture(rgb(film())),
            "MPO",
            quality=95,
            save_all=True,
            append_images=[picture(rgb(film())).resize((80, 60))],
        ),
        warned(SEVERAL),
        "the first is the film",
    ),
    Oddity("JPEG: 12 bits", lambda: codestreams.jpeg_extended(deep(12)), READ, "decoded as in DICOM"),
    Oddity("JPEG: lossless, 8 bits", lambda: codestreams.jpeg_lossless(film(), 8), READ, "decoded as in DICOM"),
    Oddity("JPEG: lossless, 12 bits", lambda: codestreams.jpeg_lossless(deep(12), 12, 4), READ, "decoded as in DICOM"),
    Oddity("JPEG-LS, 8 bits", lambda: codestreams.jpeg_ls_frame(film(), 8), READ, "decoded as in DICOM"),
    Oddity("JPEG-LS, 12 bits", lambda: codestreams.jpeg_ls_frame(deep(12), 12), READ, "decoded as in DICOM"),
    Oddity(
        "JPEG-LS, cut at a half",
        lambda: codestreams.jpeg_ls_frame(deep(12), 12)[:20_000],
        refused("unreadable_image", "truncated"),
        "a part of a film is not answered",
    ),
    Oddity("JPEG 2000 (JP2), 8 bits", lambda: saved(film(), "JPEG2000"), READ, "decoded as in DICOM"),
    Oddity("JPEG 2000 codestream, 12 bits", lambda: codestreams.jpeg_2000(deep(12), 12), READ, "decoded as in DICOM"),
    Oddity("JPEG 2000, RGB", lambda: saved(rgb(film()), "JPEG2000"), READ, "decoded as in DICOM"),
    Oddity(
        "JPEG 2000, cut at a half",
        lambda: saved(film(), "JPEG2000")[:20_000],
        refused("unreadable_image", "truncated"),
        "a part of a film is not answered",
    ),
    Oddity(
        "JPEG 2000 with alpha",
        lambda: saved(picture(with_alpha(rgb(film()), 255)), "JPEG2000"),
        refused("unsupported_format", "4 channels"),
        "save it without alpha",
    ),
)


def _with_gap(size: int) -> bytes:
    middle = len(jpeg()) // 2
    return jpeg()[:middle] + bytes(size) + jpeg()[middle + size :]


def _with_grey_corner() -> Samples:
    """The film with a patch of the grey value with which decoders fill missing parts."""
    samples = film().copy()
    samples[-16:, -16:] = 128
    return samples


def _progressive_of_one_scan() -> bytes:
    data = saved(film(), "JPEG", quality=95, progressive=True)
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    return data[: data.rindex(b"\xff\xc4", 0, second)] + b"\xff\xd9"


def _progressive_without_last_scan() -> bytes:
    data = saved(film(), "JPEG", quality=95, progressive=True)
    return data[: data.rfind(b"\xff\xc4")]


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_the_result_is_the_documented_one(oddity: Oddity, predictor: Predictor) -> None:
    check(oddity, predictor, film())


@pytest.fixture(scope="module")
def arithmetic() -> Callable[[Samples], bytes]:
    """A JPEG with arithmetic coding, which Pillow does not write."""
    program = shutil.which("jpegtran")
    if program is None:
        pytest.skip("needs jpegtran (Debian: libjpeg-turbo-progs)")

    def encode(samples: Samples) -> bytes:
        huffman = saved(samples, "JPEG", quality=97)
        return subprocess.run([program, "-arithmetic"], input=huffman, stdout=subprocess.PIPE, check=True).stdout

    return encode


def test_arithmetic_coding_gives_the_same_pixels(arithmetic: Callable[[Samples], bytes]) -> None:
    large = np.tile(film(), (2, 2))  # more compressed data than Pillow passes to libjpeg at a time
    for samples in (film(), large):
        data = arithmetic(samples)
        np.testing.assert_array_equal(read(data).pixels, read(saved(samples, "JPEG", quality=97)).pixels)
        with pytest.raises(UnreadableImage, match="truncated"):
            read(data[: len(data) // 2] + b"\xff\xd9")


@pytest.mark.parametrize("level", [0, 128])
def test_even_areas_that_the_tables_code_as_zeros_are_no_gap(level: int) -> None:
    samples = np.full((1500, 1500), level, np.uint8)
    samples[:50] = np.random.default_rng(0).integers(0, 2, (50, 1500)) * 3
    data = saved(samples, "JPEG", optimize=True)
    assert bytes(64) in data
    assert read(data).pixels[-1, -1] == level
