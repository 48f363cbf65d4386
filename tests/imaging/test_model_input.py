"""Model input, display image and warnings of a film."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia import imaging
from pneumonia.imaging import Radiograph, invert, read, to_display, to_input

Grey = npt.NDArray[np.uint8]

Encode = Callable[..., bytes]
COLOUR_WARNING = "The image is in colour; it was converted to greyscale."


def model_input(source: imaging.Source) -> npt.NDArray[np.int16]:
    """The model input, signed so that differences do not wrap."""
    return to_input(read(source)).astype(np.int16)


def test_the_input_is_the_plain_resize_in_three_equal_channels(large_film: Grey, encode: Encode) -> None:
    data = encode(large_film, "PNG")
    # The seed's preprocessing, written out, so that a change of the package is detected.
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("L").resize((150, 150), Image.Resampling.BILINEAR))
    result = to_input(read(data))
    assert result.shape == (150, 150, 3)
    assert result.dtype == np.uint8
    for channel in range(3):
        np.testing.assert_array_equal(result[:, :, channel], expected)


@pytest.mark.parametrize("shape", [(64, 64), (150, 150), (151, 149), (64, 3000), (3000, 64)])
def test_the_input_has_one_shape_for_every_film_shape(shape: tuple[int, int]) -> None:
    grain = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert to_input(read(grain)).shape == (150, 150, 3)


def test_a_film_of_the_inputs_size_passes_unchanged(normal_film: Grey) -> None:
    np.testing.assert_array_equal(to_input(read(normal_film))[:, :, 0], normal_film)


def test_path_bytes_picture_and_array_give_the_same_input(large_film: Grey, encode: Encode, tmp_path: Path) -> None:
    data = encode(large_film, "PNG")
    path = tmp_path / "film.png"
    path.write_bytes(data)
    with Image.open(path) as picture:
        sources: list[imaging.Source] = [path, str(path), data, picture, large_film]
        inputs = [to_input(read(source)) for source in sources]
    for other in inputs[1:]:
        np.testing.assert_array_equal(other, inputs[0])


def test_eight_twelve_and_sixteen_bits_of_one_film_give_the_same_input(large_film: Grey, encode: Encode) -> None:
    sixteen = large_film.astype(np.uint16) * 257
    twelve = np.rint(large_film * (4095 / 255)).astype(np.uint16)
    plain = model_input(encode(large_film, "PNG"))
    for deep in (sixteen, twelve):
        for kind in ("PNG", "TIFF"):
            assert np.abs(model_input(encode(deep, kind)) - plain).max() <= 1


def test_a_float_film_in_0_to_1_gives_the_same_input(large_film: Grey, encode: Encode) -> None:
    plain = model_input(large_film)
    floats = (large_film / 255).astype(np.float32)
    for source in (floats, floats.astype(np.float64), encode(floats, "TIFF")):
        assert np.abs(model_input(source) - plain).max() <= 1


@pytest.mark.parametrize(("bits", "level"), [(8, 255), (10, 1023), (12, 4095), (14, 16383), (16, 65535)])
def test_the_brightest_value_of_each_detector_depth_is_white(bits: int, level: int) -> None:
    film = np.zeros((200, 200), np.uint16)
    film[:, 100:] = level
    result = to_input(Radiograph(film, "TIFF"))
    assert (int(result.min()), int(result.max())) == (0, 255), f"{bits} bits"


def test_a_blank_deep_film_is_black_and_not_a_division_by_zero() -> None:
    assert not to_input(Radiograph(np.zeros((200, 200), np.uint16), "TIFF")).any()


@pytest.mark.parametrize(("width", "height"), [(2400, 2000), (3200, 2400)])
def test_a_jpeg_decoded_small_gives_nearly_the_input_of_the_full_decode(
    width: int, height: int, normal_film: Grey, encode: Encode
) -> None:
    # Coarse grain is the worst case: the reduced decode drops what the resize would have averaged.
    large = np.asarray(Image.fromarray(normal_film).resize((width, height), Image.Resampling.BICUBIC))
    grain = np.random.default_rng(0).normal(0, 12, large.shape)
    data = encode(np.clip(large + grain, 0, 255).astype(np.uint8), "JPEG", quality=90)
    small, full = read(data), read(data, full_resolution=True)
    assert (full.width, full.height) == (width, height)
    assert imaging.REDUCED_SIDE <= min(small.width, small.height) < min(width, height)
    difference = np.abs(to_input(small).astype(np.int16) - to_input(full))
    # Measured with Pillow 12.3: means 0.12 and 0.14, maxima 1 and 2 grey levels. The documented limit is a mean of 2.
    assert difference.mean() <= 0.3
    assert difference.max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_only_a_jpeg_is_decoded_small(kind: str, encode: Encode) -> None:
    film = read(encode(np.full((1300, 1400), 90, np.uint8), kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert (film.width, film.height) == (1400, 1300)


def test_a_jpeg_whose_half_would_be_too_small_is_decoded_whole(encode: Encode) -> None:
    film = read(encode(np.full((1190, 1190), 90, np.uint8), "JPEG"))
    assert film.width == 1190


def test_the_display_image_has_the_films_size_and_the_models_grey_values(large_film: Grey) -> None:
    deep = read(large_film.astype(np.uint16) * 257)
    displayed = to_display(deep)
    assert displayed.shape == large_film.shape
    assert displayed.dtype == np.uint8
    np.testing.assert_array_equal(displayed, large_film)
    np.testing.assert_array_equal(to_display(read(large_film)), large_film)


def test_a_twelve_bit_film_is_not_shown_as_black(large_film: Grey) -> None:
    displayed = to_display(read(np.rint(large_film * (4095 / 255)).astype(np.uint16)))
    assert np.abs(displayed.astype(np.int16) - large_film).max() <= 1


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
def test_a_negative_is_inverted_within_its_own_depth_with_a_warning(depth: int, large_film: Grey) -> None:
    upright = large_film.astype(np.uint8 if depth == 8 else np.uint16) * ((2**depth - 1) // 255)
    upright.flat[:2] = 0, 2**depth - 1
    stored = (2**depth - 1 - upright).astype(upright.dtype)
    corrected = invert(read(stored))
    np.testing.assert_array_equal(corrected.pixels, upright)
    assert corrected.pixels.dtype == stored.dtype
    assert corrected.warnings == ("The film appeared inverted (dark bones) and was corrected.",)


def test_a_corrected_film_keeps_its_other_warnings(normal_film: Grey) -> None:
    small = read(normal_film[::2, ::2])
    assert invert(small).warnings[:-1] == small.warnings != ()


def test_reading_leaves_the_callers_array_alone(large_film: Grey) -> None:
    array = large_film.copy()
    film = read(array)
    to_input(film)
    to_display(film)
    np.testing.assert_array_equal(array, large_film)


@pytest.mark.parametrize(("side", "warned"), [(64, True), (149, True), (150, False), (600, False)])
def test_a_low_resolution_warning_is_given_below_150_pixels(side: int, warned: bool) -> None:
    film = read(np.full((side, 700), 90, np.uint8))
    assert any(warning.startswith("Low resolution") for warning in film.warnings) is warned
    assert all(f"{side} pixels" in warning for warning in film.warnings)


def colourful(large_film: Grey) -> Image.Image:
    blank = Image.new("L", (large_film.shape[1], large_film.shape[0]), 30)
    return Image.merge("RGB", [Image.fromarray(large_film), blank, blank])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_a_colour_image_is_converted_with_a_warning(kind: str, large_film: Grey, encode: Encode) -> None:
    assert read(encode(colourful(large_film), kind)).warnings == (COLOUR_WARNING,)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("quality", [30, 95])
def test_a_grey_film_saved_in_colour_gets_no_colour_warning(
    kind: str, quality: int, large_film: Grey, encode: Encode
) -> None:
    film = read(encode(Image.fromarray(large_film).convert("RGB"), kind, quality=quality))
    assert film.warnings == ()


@pytest.mark.parametrize(("share", "warnings"), [(1 / 20, ()), (1 / 5, (COLOUR_WARNING,))])
def test_a_marker_in_colour_counts_above_one_percent_of_the_film(
    share: float, warnings: tuple[str, ...], large_film: Grey, encode: Encode
) -> None:
    film = Image.fromarray(large_film).convert("RGB")
    film.paste("red", (0, 0, round(share * film.width), round(share * film.height)))
    assert read(encode(film, "PNG")).warnings == warnings


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_colour_array_gets_a_warning_at_every_depth(dtype: str, large_film: Grey) -> None:
    colours = np.asarray(colourful(large_film))
    scaled = {"uint8": colours, "uint16": colours.astype(np.uint16) * 257, "float32": (colours / 255).astype("f4")}
    assert COLOUR_WARNING in read(scaled[dtype]).warnings
