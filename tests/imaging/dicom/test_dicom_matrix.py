"""One film in every DICOM encoding gets the same probability: within 0.01 if lossless, else within 0.05.

The film is a mixture of the two class averages with a probability as near to 0.5 as possible, where small differences
have the largest effect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from pneumonia import Prediction, Predictor
from pneumonia.imaging import read, to_input
from pneumonia.imaging.greyscale import COLOUR_WARNING
from pneumonia.imaging.radiograph import Radiograph
from tests.support import codestreams
from tests.support.codestreams import LOSSLESS, LOSSY, Samples
from tests.support.dicom_files import UNCOMPRESSED, dicom, encapsulated

Grey = npt.NDArray[np.uint8]
LOSSLESS_ATOL, LOSSY_ATOL = 0.01, 0.05
FRAMES_WARNING = "The file contains 2 images; only the first was used."


@pytest.fixture(scope="module")
def film(predictor: Predictor) -> Grey:
    """`[696, 896]` with noise; both sides are multiples of the JPEG block size."""
    averages = []
    for path in predictor.models[0].bundle.examples:
        with Image.open(path) as picture:
            averages.append(np.asarray(picture.resize((896, 696), Image.Resampling.BICUBIC)).astype(np.float64))
    grain = np.random.default_rng(0).normal(0, 2, averages[0].shape)
    mixtures = [averages[0] + share * (averages[1] - averages[0]) + grain for share in np.linspace(0, 1, 21)]
    films = [np.clip(np.rint(mixture), 0, 255).astype(np.uint8) for mixture in mixtures]
    return min(films, key=lambda one: abs(probability(predictor.predict(one)) - 0.5))


@pytest.fixture(scope="module")
def expected(predictor: Predictor, film: Grey, encode: Callable[..., bytes]) -> float:
    """Probability of the film saved as PNG."""
    return probability(predictor.predict(encode(film, "PNG")))


def probability(prediction: Prediction) -> float:
    return -1.0 if prediction.probability is None else prediction.probability


def deep(film: Grey, bits: int) -> Samples:
    samples: Samples = np.rint(film * ((2**bits - 1) / 255)).astype(np.uint8 if bits <= 8 else np.uint16)
    return samples


def max_difference(one: Radiograph, other: Radiograph) -> int:
    """Maximum difference of the model inputs of two films, in 8-bit levels."""
    return int(np.abs(to_input(one).astype(np.int16) - to_input(other)).max())


def test_the_films_probability_is_sensitive_to_small_differences(expected: float) -> None:
    assert 0.1 < expected < 0.9


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("syntax", UNCOMPRESSED, ids=lambda syntax: syntax.name)
def test_every_uncompressed_encoding_gives_the_answer_of_the_png(
    syntax: Any, bits: int, film: Grey, expected: float, predictor: Predictor
) -> None:
    data = dicom(deep(film, bits), BitsStored=bits, syntax=syntax)
    assert probability(predictor.predict(data)) == pytest.approx(expected, abs=LOSSLESS_ATOL)


ENCODINGS = [
    pytest.param(name, bits, marks=pytest.mark.slow if bits in {10, 12} or (bits == 16 and "predictor" in name) else ())
    for name in LOSSLESS
    for bits in (8, 10, 12, 16)
]


@pytest.mark.parametrize(("name", "bits"), ENCODINGS)
def test_every_lossless_compression_keeps_all_samples_and_the_probability(
    name: str, bits: int, film: Grey, expected: float, predictor: Predictor
) -> None:
    syntax, compress = LOSSLESS[name]
    samples = deep(film, bits)
    data = encapsulated(samples, syntax, compress(samples, bits), BitsStored=bits)
    np.testing.assert_array_equal(read(data).pixels, samples)
    assert probability(predictor.predict(data)) == pytest.approx(expected, abs=LOSSLESS_ATOL)


@pytest.mark.parametrize("name", LOSSY)
def test_every_lossy_compression_gives_nearly_the_answer(
    name: str, film: Grey, expected: float, predictor: Predictor
) -> None:
    syntax, bits, compress = LOSSY[name]
    samples = deep(film, bits)
    data = encapsulated(samples, syntax, compress(samples, bits), BitsStored=bits, LossyImageCompression="01")
    assert not np.array_equal(read(data).pixels, samples)
    assert probability(predictor.predict(data)) == pytest.approx(expected, abs=LOSSY_ATOL)


@pytest.mark.parametrize("name", ["RLE", "JPEG lossless, first order", "JPEG-LS lossless", "JPEG 2000 lossless"])
def test_signed_samples_survive_compression(name: str, film: Grey) -> None:
    samples = (deep(film, 12).astype(np.int32) - 2048).astype(np.int16)
    syntax, compress = LOSSLESS[name]
    if name in {"JPEG 2000 lossless", "RLE"}:
        frame = compress(samples, 12)
    else:  # JPEG and JPEG-LS have no signed samples: writers encode the stored bits
        frame = compress(samples.view(np.uint16) & 0x0FFF, 12)
    tags: dict[str, Any] = {"BitsStored": 12, "PixelRepresentation": 1}
    np.testing.assert_array_equal(
        read(encapsulated(samples, syntax, frame, **tags)).pixels, read(dicom(samples, **tags)).pixels
    )


TABLE = Dataset()
TABLE.LUTDescriptor = [4096, 0, 16]
TABLE.LUTData = (np.arange(4096, dtype=np.uint16) * 16).astype("<u2").tobytes()
EQUIVALENT_TAGS: list[dict[str, Any]] = [
    {},
    {"HighBit": 11},
    {"HighBit": 15},
    {"RescaleSlope": "1", "RescaleIntercept": "0"},
    {"RescaleSlope": "2.5", "RescaleIntercept": "-1000"},
    {"WindowCenter": "2048", "WindowWidth": "4096"},
    {"WindowCenter": "2047.5", "WindowWidth": "4095", "VOILUTFunction": "LINEAR_EXACT"},
    {"WindowCenter": "2048", "WindowWidth": "4096", "VOILUTFunction": "SOMETHING"},
    {"WindowCenter": ["2048", "300"], "WindowWidth": ["4096", "20"]},
    {"WindowCenter": "2048", "WindowWidth": "0"},
    {"WindowCenter": "2048", "WindowWidth": "0.5"},
    {"WindowCenter": "3096", "WindowWidth": "8192", "RescaleSlope": "2", "RescaleIntercept": "-1000"},
    {"VOILUTSequence": [TABLE]},
    {"ModalityLUTSequence": [TABLE]},
    {"RescaleSlope": "0", "RescaleIntercept": "5"},
    {"PresentationLUTShape": "IDENTITY"},
]
"""Tags that change the stored values of a 12-bit film, but not its display."""


@pytest.mark.parametrize("tags", EQUIVALENT_TAGS, ids=str)
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_films_with_equal_display_get_the_same_probability(
    photometric: str, tags: dict[str, Any], film: Grey, expected: float, predictor: Predictor
) -> None:
    samples = deep(film, 12)
    if photometric == "MONOCHROME1":
        samples = 4095 - samples
    if tags.get("HighBit") == 15:
        samples = samples << 4 | 0b1011  # unrelated bits below the samples
    data = dicom(samples, BitsStored=12, PhotometricInterpretation=photometric, **tags)
    assert max_difference(read(data), read(film)) <= 1
    assert probability(predictor.predict(data)) == pytest.approx(expected, abs=LOSSLESS_ATOL)


@pytest.mark.parametrize(
    "name", ["JPEG lossless, first order", "JPEG-LS lossless", "JPEG 2000 lossless", "RLE"], ids=str
)
def test_a_compressed_negative_in_a_window_is_shown_as_an_uncompressed_one(name: str, film: Grey) -> None:
    syntax, compress = LOSSLESS[name]
    samples = 4095 - deep(film, 12)
    tags: dict[str, Any] = {"BitsStored": 12, "PhotometricInterpretation": "MONOCHROME1"}
    tags |= {"WindowCenter": 1500, "WindowWidth": 2000, "RescaleSlope": 2, "RescaleIntercept": -50}
    compressed = read(encapsulated(samples, syntax, compress(samples, 12), **tags))
    np.testing.assert_array_equal(compressed.pixels, read(dicom(samples, **tags)).pixels)


def test_a_window_after_a_rescale_of_negative_slope_shows_large_values_bright(film: Grey) -> None:
    film_with_negative_slope = dicom(
        4095 - deep(film, 12),
        BitsStored=12,
        RescaleSlope=-1,
        RescaleIntercept=4095,
        WindowCenter=2048,
        WindowWidth=4096,
    )
    assert max_difference(read(film_with_negative_slope), read(film)) <= 1


COLOURED: dict[str, Callable[[Grey], bytes]] = {
    "RGB": lambda rgb: dicom_of_colours(rgb, "RGB"),
    "RGB by plane": lambda rgb: dicom_of_colours(rgb, "RGB", planar=1),
    "YBR_FULL": lambda rgb: dicom_of_colours(ybr_full(rgb), "YBR_FULL"),
    "YBR_FULL, truncated": lambda rgb: dicom_of_colours(np.asarray(Image.fromarray(rgb).convert("YCbCr")), "YBR_FULL"),
    "JPEG": lambda rgb: dicom_of_colours(rgb, "YBR_FULL_422", codestreams.jpeg(rgb, 95), JPEGBaseline8Bit),
    "JPEG 2000": lambda rgb: dicom_of_colours(
        rgb, "YBR_RCT", bytes(codestreams.encode_array(rgb, photometric_interpretation=1)), JPEG2000Lossless
    ),
}
INEXACT = {"JPEG", "YBR_FULL, truncated"}
"""Encodings that change samples: Pillow truncates the luminance, so that 9 % of a grey film's samples are one lower."""


def ybr_full(rgb: Grey) -> Grey:
    """YBR_FULL by the equations of PS3.3, C.7.6.3.1.2, rounded: the luminance of a grey sample is that sample."""
    weights = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    colours: Grey = np.clip(np.rint(rgb @ weights.T + [0, 128, 128]), 0, 255).astype(np.uint8)
    return colours


def dicom_of_colours(
    colours: Grey, photometric: str, frame: bytes | None = None, syntax: Any = None, planar: int = 0
) -> bytes:
    tags: dict[str, Any] = {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": photometric,
        "PlanarConfiguration": planar,
    }
    if frame is not None:
        return encapsulated(colours[:, :, 0], syntax, frame, **tags)
    stored = np.moveaxis(colours, -1, 0) if planar else colours
    return dicom(colours[:, :, 0], PixelData=stored.tobytes(), **tags)


@pytest.mark.parametrize("name", COLOURED)
def test_a_grey_film_saved_in_colour_is_that_film(name: str, film: Grey, expected: float, predictor: Predictor) -> None:
    data = COLOURED[name](np.repeat(film[:, :, None], 3, axis=2))
    prediction = predictor.predict(data)
    assert prediction.warnings == ()
    assert probability(prediction) == pytest.approx(expected, abs=LOSSY_ATOL if name in INEXACT else LOSSLESS_ATOL)
    assert max_difference(read(data), read(film)) <= (name in INEXACT)


@pytest.mark.parametrize("name", COLOURED)
def test_colour_gives_the_same_warning_as_for_image_files(name: str, film: Grey) -> None:
    rgb = np.repeat(film[:, :, None], 3, axis=2)
    rgb[:, :400, 2] //= 3
    result = read(COLOURED[name](rgb))
    assert result.warnings == (COLOUR_WARNING,)
    assert max_difference(result, read(rgb)) <= 2


def palette(film: Grey, tints: tuple[float, float, float] = (1, 1, 1), entry_bits: int = 16) -> bytes:
    """The film as indices into three lookup tables; the tables invert the indices, to detect a skipped lookup."""
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    levels = np.arange(255, -1, -1) * (257 if entry_bits == 16 else 1)
    for colour, tint in zip(("Red", "Green", "Blue"), tints, strict=True):
        entries = np.rint(levels * tint).astype("<u2" if entry_bits == 16 else "u1")
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, entry_bits]
        tags[f"{colour}PaletteColorLookupTableData"] = entries.tobytes()
    return dicom(255 - film, **tags)


@pytest.mark.parametrize("entry_bits", [8, 16])
def test_a_palette_is_looked_up(entry_bits: int, film: Grey) -> None:
    grey = read(palette(film, entry_bits=entry_bits))
    assert (grey.warnings, max_difference(grey, read(film))) == ((), 0)
    assert read(palette(film, (1, 0.9, 0.5), entry_bits)).warnings == (COLOUR_WARNING,)


@pytest.mark.parametrize("kind", ["bytes in words", "12 bits", "packed, 16 declared", "all in one byte more"])
def test_a_palette_is_looked_up_however_it_is_written(kind: str, film: Grey) -> None:
    levels = np.arange(255, -1, -1)
    data, bits = {
        "bytes in words": (levels.astype("<u2").tobytes(), 16),
        "12 bits": (np.rint(levels * (4095 / 255)).astype("<u2").tobytes(), 12),
        "packed, 16 declared": (levels.astype("u1").tobytes(), 16),
        "all in one byte more": (levels.astype("u1").tobytes() + b"\0\0", 8),
    }[kind]
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        tags[f"{colour}PaletteColorLookupTableData"] = data
    assert max_difference(read(dicom(255 - film, **tags)), read(film)) <= 1


@pytest.mark.parametrize("options", [{}, {"has_offsets": False}, {"fragments": 3}], ids=str)
@pytest.mark.parametrize("name", ["RLE", "JPEG lossless, first order", "JPEG-LS lossless", "JPEG 2000 lossless"])
def test_the_first_of_several_compressed_frames_is_used_with_a_warning(
    name: str, options: dict[str, Any], film: Grey
) -> None:
    if name == "RLE" and "fragments" in options:
        pytest.skip("RLE has one fragment a frame, by the standard")
    syntax, compress = LOSSLESS[name]
    frames = [compress(one, 8) for one in (film, 255 - film)]
    result = read(encapsulated(film, syntax, *frames, NumberOfFrames=2, **options))
    np.testing.assert_array_equal(result.pixels, film)
    assert result.warnings == (FRAMES_WARNING,)


@pytest.mark.parametrize("fragments", [2, 7])
@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless], ids=lambda syntax: syntax.name)
def test_the_fragments_of_a_frame_are_joined(syntax: Any, fragments: int, film: Grey) -> None:
    compress = next(compress for uid, compress in LOSSLESS.values() if uid == syntax)
    data = encapsulated(film, syntax, compress(film, 8), fragments=fragments)
    np.testing.assert_array_equal(read(data).pixels, film)


def test_samples_that_are_deeper_than_the_tags_say_do_not_wrap(film: Grey) -> None:
    samples = 65535 - deep(film, 16)
    data = encapsulated(
        samples,
        JPEG2000Lossless,
        codestreams.jpeg_2000(samples, 16),
        BitsStored=12,
        PhotometricInterpretation="MONOCHROME1",
    )
    assert max_difference(read(data), read(film)) <= 1


def test_a_compressed_file_without_preamble_is_read(film: Grey) -> None:
    data = encapsulated(film, RLELossless, codestreams.rle(film, 8))
    np.testing.assert_array_equal(read(data[132:]).pixels, film)
