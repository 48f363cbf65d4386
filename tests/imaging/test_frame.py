"""Uniform frames around a film: found in every form that scans and screenshots have, and never found in a film."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFilter

from pneumonia.errors import TooSmall
from pneumonia.imaging import FRAME_WARNING, WHOLE, Area, Radiograph, read, to_display, to_input
from pneumonia.imaging.frame import find_area

Grey = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
Encode = Callable[..., bytes]

LEVELS = {"white": (255,) * 4, "black": (0,) * 4, "grey": (128,) * 4, "mixed": (255, 0, 128, 60)}
"""Levels of the bars at left, top, right and bottom."""

SHARES = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)


@pytest.fixture(scope="module")
def film(large_film: Grey) -> Grey:
    """A film of 300 x 240 pixels with grain, without black borders."""
    small = np.asarray(Image.fromarray(large_film).resize((300, 240), Image.Resampling.BOX))
    return np.rint(40 + 0.8 * small).astype(np.uint8)


def framed(film: Grey, depths: tuple[int, int, int, int], levels: tuple[int, int, int, int]) -> Grey:
    """The film with bars of these depths and levels at left, top, right and bottom."""
    left, top, right, bottom = depths
    height, width = film.shape
    image = np.empty((height + top + bottom, width + left + right), np.uint8)
    image[:top], image[top + height :] = levels[1], levels[3]
    image[top : top + height, :left], image[top : top + height, left + width :] = levels[0], levels[2]
    image[top : top + height, left : left + width] = film
    return image


def even(film: Grey, share: float, colour: str) -> tuple[Grey, Box]:
    """(the film in a frame of one share of its sides, the film's box)."""
    height, width = film.shape
    columns, rows = round(share * width), round(share * height)
    return framed(film, (columns, rows, columns, rows), LEVELS[colour]), (columns, rows, columns + width, rows + height)


def found_box(image: Grey) -> Box:
    return find_area(image, 255.0).box(image.shape[1], image.shape[0])


def error(image: Grey, box: Box) -> int:
    return max(abs(one - other) for one, other in zip(found_box(image), box, strict=True))


@pytest.mark.parametrize("colour", LEVELS)
@pytest.mark.parametrize("share", SHARES)
def test_the_model_input_is_that_of_the_film_without_the_frame(colour: str, share: float, film: Grey) -> None:
    image, box = even(film, share, colour)
    assert error(image, box) <= 2
    np.testing.assert_allclose(to_input(read(image)).astype(int), to_input(read(film)), atol=3)


@pytest.mark.parametrize("colour", LEVELS)
def test_a_frame_that_is_found_exactly_gives_the_same_input(colour: str, film: Grey) -> None:
    image, box = even(film, 0.05, colour)
    assert found_box(image) == box
    np.testing.assert_array_equal(to_input(read(image)), to_input(read(film)))


@pytest.mark.parametrize("colour", LEVELS)
@pytest.mark.parametrize("quality", [50, 75, 95])
@pytest.mark.parametrize("share", [0.02, 0.05, 0.2])
def test_errors_of_jpeg_compression_beside_the_film_do_not_hide_the_frame(
    colour: str, quality: int, share: float, film: Grey, encode: Encode
) -> None:
    image, box = even(film, share, colour)
    assert error(read(encode(image, "JPEG", quality=quality)).pixels.astype(np.uint8), box) <= 2


@pytest.mark.parametrize("colour", LEVELS)
@pytest.mark.parametrize("scale", [0.6, 0.73, 1.37, 2.9])
def test_a_resized_image_has_a_mixed_row_at_the_step(colour: str, scale: float, film: Grey) -> None:
    image, box = even(film, 0.06, colour)
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    resized = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    factors = (size[0] / image.shape[1], size[1] / image.shape[0]) * 2
    scaled = tuple(round(edge * factor) for edge, factor in zip(box, factors, strict=True))
    assert error(resized, (scaled[0], scaled[1], scaled[2], scaled[3])) <= 2


@pytest.mark.parametrize("deviation", [1.0, 3.0, 5.0])
def test_the_margin_of_a_scanner_is_noisy(deviation: float, film: Grey) -> None:
    image, box = even(film, 0.05, "white")
    margin = np.full(image.shape, 245.0) + np.random.default_rng(1).normal(0, deviation, image.shape)
    left, top, right, bottom = box
    margin[top:bottom, left:right] = film
    assert error(np.clip(margin, 0, 255).astype(np.uint8), box) <= 2


@pytest.mark.parametrize("level", [0, 70, 128, 255])
@pytest.mark.parametrize("depths", [(0, 40, 0, 40), (50, 0, 50, 0), (0, 0, 0, 30), (25, 0, 0, 0), (0, 31, 12, 0)])
def test_letterbox_pillarbox_and_single_bars(level: int, depths: tuple[int, int, int, int], film: Grey) -> None:
    height, width = film.shape
    box = depths[0], depths[1], depths[0] + width, depths[1] + height
    assert error(framed(film, depths, (level,) * 4), box) <= 2


@pytest.mark.parametrize(("outer", "inner"), [("white", "black"), ("black", "white"), ("grey", "mixed")])
def test_a_frame_inside_a_frame_is_cropped_with_it(outer: str, inner: str, film: Grey) -> None:
    image = framed(framed(film, (4, 4, 4, 4), LEVELS[inner]), (12, 20, 12, 9), LEVELS[outer])
    assert error(image, (16, 24, 16 + film.shape[1], 24 + film.shape[0])) <= 2


def test_mitred_corners(film: Grey) -> None:
    """The bars of a picture frame meet at the diagonals, so no row has one level."""
    image, box = even(film, 0.1, "white")
    height, width = image.shape
    rows, columns = np.mgrid[:height, :width]
    distances = np.stack([columns / width, rows / height, 1 - columns / width, 1 - rows / height])
    mitred = np.array([250, 20, 180, 90], np.uint8)[distances.argmin(axis=0)]
    left, top, right, bottom = box
    mitred[top:bottom, left:right] = film
    assert error(mitred, box) <= 2


def test_rounded_corners(film: Grey) -> None:
    image, box = even(film, 0.05, "white")
    mask = Image.new("L", (image.shape[1], image.shape[0]))
    ImageDraw.Draw(mask).rounded_rectangle((box[0], box[1], box[2] - 1, box[3] - 1), 20, 255)
    assert error(np.where(np.asarray(mask) > 0, image, 255).astype(np.uint8), box) <= 2


@pytest.mark.parametrize("text", ["Patient 12   2026-11-26   R   PA   80 kV 3 mAs", "x"])
@pytest.mark.parametrize("level", [0, 235])
def test_a_bar_with_a_line_of_text_is_cropped(text: str, level: int, film: Grey) -> None:
    image = Image.fromarray(framed(film, (0, 40, 0, 30), (level,) * 4))
    ImageDraw.Draw(image).text((10, 12), text, fill=255 - level)
    assert error(np.asarray(image), (0, 40, film.shape[1], 40 + film.shape[0])) <= 2


def test_a_bar_with_a_mouse_pointer_is_cropped(film: Grey) -> None:
    image = Image.fromarray(framed(film, (60, 0, 60, 0), (0,) * 4))
    ImageDraw.Draw(image).polygon([(30, 100), (30, 130), (45, 118)], fill=255)
    assert error(np.asarray(image), (60, 0, 60 + film.shape[1], film.shape[0])) <= 2


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("colour", ["white", "black"])
def test_a_film_with_more_than_8_bits(bits: int, colour: str, film: Grey) -> None:
    deep = np.rint(film.astype(float) * ((2**bits - 1) / 255)).astype(np.uint16)
    deep.flat[0] = 2**bits - 1
    image = np.pad(deep, 12, constant_values=0 if colour == "black" else 2**bits - 1)
    np.testing.assert_array_equal(to_input(read(image)), to_input(read(deep)))


def test_a_white_frame_of_16_bits_does_not_darken_a_film_of_12_bits(film: Grey) -> None:
    deep = np.rint(film.astype(float) * (4095 / 255)).astype(np.uint16)
    image = read(np.pad(deep, 12, constant_values=65535))
    np.testing.assert_array_equal(to_input(image), to_input(read(deep)))
    displayed = to_display(image)
    assert displayed.max() == 255
    np.testing.assert_array_equal(displayed[12:-12, 12:-12], to_display(read(deep)))


def collimated(film: Grey, depth: int, blur: float) -> Grey:
    """The film with black, exactly constant borders of a collimator whose shadow is soft."""
    mask = np.zeros(film.shape, np.uint8)
    mask[depth:-depth, depth:-depth] = 255
    soft = np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(blur))) / 255
    return np.rint(film * soft).astype(np.uint8)


@pytest.mark.parametrize("depth", [10, 25])
def test_the_soft_shadow_of_a_collimator_is_not_a_frame(depth: int, film: Grey) -> None:
    assert find_area(collimated(film, depth, 4), 255.0) == WHOLE


@pytest.mark.parametrize("colour", ["white", "grey"])
def test_a_frame_around_a_collimated_film_ends_where_the_film_begins(colour: str, film: Grey) -> None:
    image, box = even(collimated(film, 15, 4), 0.05, colour)
    assert error(image, box) <= 2


def test_a_black_frame_around_a_film_with_black_sides(film: Grey) -> None:
    """No step separates the frame from the sides; its bars above and below give its depth."""
    columns = np.arange(film.shape[1])
    brightness = np.clip((np.minimum(columns, columns[::-1]) - 30) / 40, 0, 1)
    image, box = even(np.rint(film * brightness).astype(np.uint8), 0.05, "black")
    assert error(image, box) <= 5


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_uniform_image_has_no_frame(level: int) -> None:
    assert find_area(np.full((200, 300), level, np.uint8), 255.0) == WHOLE


def test_the_air_beside_a_patient_is_not_a_frame(film: Grey) -> None:
    """Black columns at both sides, and a curved skin line."""
    rows, columns = np.mgrid[: film.shape[0], : film.shape[1]]
    skin = 25 + 15 * np.sin(rows / 40)
    depth = np.minimum(columns, film.shape[1] - 1 - columns) - skin
    body = np.rint(film * np.clip(depth / 8, 0, 1)).astype(np.uint8)
    assert find_area(body, 255.0) == WHOLE


def test_one_line_at_the_edge_is_not_a_frame(film: Grey) -> None:
    lines = film.copy()
    lines[:, -1] = 255
    lines[0] = 0
    assert find_area(lines, 255.0) == WHOLE


def test_a_film_without_a_frame_keeps_all_pixels(large_film: Grey) -> None:
    film = read(large_film)
    assert film.area == WHOLE
    assert film.warnings == ()
    plain = Image.fromarray(large_film).resize((150, 150), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(to_input(film)[:, :, 0], np.asarray(plain))


def test_the_input_of_a_radiograph_that_was_not_read_is_cropped_too(film: Grey) -> None:
    image, _ = even(film, 0.05, "white")
    np.testing.assert_array_equal(to_input(Radiograph(image, "PNG")), to_input(read(film)))


def test_the_warning_names_the_sides_and_their_shares(film: Grey) -> None:
    image = framed(film, (0, 24, 9, 36), (255,) * 4)
    expected = f"{FRAME_WARNING}: top 8.0 %, right 2.9 %, bottom 12.0 % of the image."
    assert read(image).warnings == (expected,)


def test_the_short_side_is_that_of_the_film(film: Grey) -> None:
    small = np.asarray(Image.fromarray(film).resize((100, 80)))
    assert any("80 pixels" in warning for warning in read(np.pad(small, 60, constant_values=255)).warnings)
    tiny = np.asarray(Image.fromarray(film).resize((75, 60)))
    with pytest.raises(TooSmall, match=r"75 x 60 inside a uniform frame, in an image of 275 x 260"):
        read(np.pad(tiny, 100, constant_values=255))


def test_a_small_film_on_a_large_page_is_decoded_at_full_size(film: Grey, encode: Encode) -> None:
    page = np.pad(film, ((700, 800), (900, 800)), constant_values=255)
    result = read(encode(page, "JPEG", quality=95))
    assert result.warnings[-1].startswith(FRAME_WARNING)
    assert result.pixels.shape == page.shape


def test_an_area_is_a_box_in_an_image_of_any_size() -> None:
    area = Area(0.1, 0.2, 0.9, 1.0)
    assert area.box(100, 50) == (10, 10, 90, 50)
    assert WHOLE.box(33, 71) == (0, 0, 33, 71)


def test_a_black_bar_above_a_black_border_in_a_jpeg_ends_with_the_other_bars(film: Grey, encode: Encode) -> None:
    """JPEG errors hide where the constant rows end; the three other bars of other levels have a step."""
    rows = np.arange(film.shape[0])[:, None]
    dark_top = np.rint(film * np.clip((rows + 8) / 60, 0, 1)).astype(np.uint8)
    image, box = even(dark_top, 0.12, "mixed")
    assert error(read(encode(image, "JPEG", quality=75)).pixels.astype(np.uint8), box) <= 3
