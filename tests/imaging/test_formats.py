"""Every supported file format, bit depth and colour model, written by real encoders."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia.imaging import detect_format, read, to_input
from pneumonia.imaging.arrays import STRETCHED_WARNING
from pneumonia.imaging.greyscale import COLOUR_WARNING
from pneumonia.imaging.image_files.orientation import DAMAGED_WARNING
from tests.support.picture_files import png, tiff_of

Grey = npt.NDArray[np.uint8]

Encode = Callable[..., bytes]
FORMATS = ["PNG", "JPEG", "WEBP", "TIFF", "BMP"]
LOSSLESS: list[tuple[str, dict[str, Any]]] = [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("BMP", {})]
ORIENTATION = 0x0112
"""EXIF tag; the value 6 means: rotate by 90 degrees clockwise for display."""


def ramp(dtype: str = "uint16") -> npt.NDArray[Any]:
    """`[200, 180]` with a different value in each pixel, to detect lost bits, swapped bytes and rotations."""
    return (np.arange(200 * 180).reshape(200, 180) + 20_000).astype(dtype)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", ["film", "film.txt", "film.dcm", "film.png", "Füllung 1.jpeg"])
def test_a_format_is_detected_by_magic_bytes_for_any_file_name(
    kind: str, name: str, large_film: Grey, encode: Encode, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(encode(large_film, kind))
    film = read(path)
    assert film.format == kind
    assert (film.width, film.height) == (900, 700)


@pytest.mark.parametrize("kind", FORMATS)
def test_sixteen_bytes_are_enough_to_detect_the_format(kind: str, large_film: Grey, encode: Encode) -> None:
    assert detect_format(encode(large_film, kind)[:16]) == kind


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_lossless_format_keeps_the_greys(
    kind: str, options: dict[str, Any], mode: str, large_film: Grey, encode: Encode
) -> None:
    film = read(encode(Image.fromarray(large_film).convert(mode), kind, **options))
    assert film.pixels.dtype == np.uint8
    np.testing.assert_array_equal(film.pixels, large_film)
    assert film.warnings == ()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_lossy_format_keeps_the_greys_nearly(kind: str, large_film: Grey, encode: Encode) -> None:
    film = read(encode(large_film, kind, quality=95))
    assert np.abs(film.pixels.astype(np.int16) - large_film).mean() < 2


@pytest.mark.parametrize("options", [{"progressive": True}, {"quality": 100, "subsampling": 0}, {"optimize": True}])
def test_each_kind_of_jpeg_is_read(options: dict[str, Any], large_film: Grey, encode: Encode) -> None:
    film = read(encode(Image.fromarray(large_film).convert("RGB"), "JPEG", **options))
    assert np.abs(film.pixels.astype(np.int16) - large_film).mean() < 4


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_each_lossless_compression_of_tiff_is_read(compression: str, large_film: Grey, encode: Encode) -> None:
    np.testing.assert_array_equal(read(encode(large_film, "TIFF", compression=compression)).pixels, large_film)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("TIFF", {}), ("TIFF", {"big_tiff": True})])
def test_sixteen_bits_are_kept(kind: str, options: dict[str, Any], encode: Encode) -> None:
    film = read(encode(ramp(), kind, **options))
    assert film.pixels.dtype == np.uint16
    np.testing.assert_array_equal(film.pixels, ramp())


def test_a_big_endian_tiff_of_sixteen_bits_is_not_byte_swapped(encode: Encode) -> None:
    data = encode(Image.frombytes("I;16B", (180, 200), ramp().astype(">u2").tobytes()), "TIFF")
    assert data.startswith(b"MM")
    np.testing.assert_array_equal(read(data).pixels, ramp())


def test_a_32_bit_tiff_that_fits_16_bits_keeps_its_values(encode: Encode) -> None:
    np.testing.assert_array_equal(read(encode(ramp("int32"), "TIFF")).pixels, ramp())


@pytest.mark.parametrize("values", [ramp("int32") - 30_000, ramp("int32") * 1000, ramp("float32") / 10])
def test_a_32_bit_tiff_beyond_16_bits_is_stretched_and_not_wrapped(values: npt.NDArray[Any], encode: Encode) -> None:
    film = read(encode(values, "TIFF"))
    assert (film.pixels.min(), film.pixels.max()) == (0, 65535)
    assert np.all(np.diff(film.pixels.ravel().astype(np.int64)) >= 0)


def test_a_float_tiff_in_0_to_1_fills_16_bits_without_a_stretch(encode: Encode) -> None:
    film = read(encode((ramp("float64") / 65535).astype(np.float32), "TIFF"))
    np.testing.assert_array_equal(film.pixels, ramp())


def test_a_constant_32_bit_tiff_is_read_as_black(encode: Encode) -> None:
    assert not read(encode(np.full((200, 180), -7, np.int32), "TIFF")).pixels.any()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_tiff_with_white_is_zero_is_inverted(dtype: str, large_film: Grey, encode: Encode) -> None:
    """Photometric interpretation 0, the TIFF equivalent of MONOCHROME1; film scanners write it."""
    deep = large_film.astype(dtype) * (257 if dtype == "uint16" else 1)
    stored = np.iinfo(dtype).max - deep
    data = bytearray(encode(stored, "TIFF"))
    # Pillow inverts what it saves with this tag in 8 bits only, so it is set in the file: id 262, type 3, count 1.
    tag = b"\x06\x01\x03\x00\x01\x00\x00\x00"
    position = data.index(tag) + len(tag)
    assert data[position] == 1
    data[position] = 0
    np.testing.assert_array_equal(read(bytes(data)).pixels, deep)


def test_one_bit_is_black_and_white(encode: Encode) -> None:
    film = read(encode(Image.fromarray(ramp("uint8")).point(lambda level: level > 127, "1"), "PNG"))
    assert set(np.unique(film.pixels)) == {0, 255}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_a_palette_is_looked_up(kind: str, encode: Encode) -> None:
    # Index 0 is the brightest: a reader that uses the indices as grey values gets the negative.
    picture = Image.fromarray(np.tile(np.arange(180, dtype=np.uint8), (200, 1)))
    indexed = Image.frombytes("P", picture.size, picture.tobytes())
    indexed.putpalette([level for index in range(256) for level in [255 - index] * 3])
    film = read(encode(indexed, kind))
    np.testing.assert_array_equal(film.pixels[0], 255 - np.arange(180))
    assert film.warnings == ()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_read_as_grey_and_not_inverted(kind: str, large_film: Grey, encode: Encode) -> None:
    film = read(encode(Image.fromarray(large_film).convert("RGB").convert("CMYK"), kind))
    assert np.abs(film.pixels.astype(np.int16) - large_film).mean() < 4
    assert film.warnings == ()


def bordered(mode: str) -> Image.Image:
    """A film of grey level 120 with a white, fully transparent border."""
    alpha = np.zeros((200, 180), np.uint8)
    alpha[40:160, 40:140] = 255
    levels = np.where(alpha > 0, 120, 255).astype(np.uint8)
    if mode == "L":
        return Image.fromarray(levels)
    picture = Image.fromarray(levels).convert(mode)
    picture.putalpha(Image.fromarray(alpha))
    return picture


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("RGBA", "PNG", {}),
        ("RGBA", "WEBP", {"lossless": True}),
        ("RGBA", "TIFF", {}),
        ("LA", "PNG", {}),
        ("LA", "TIFF", {}),
        ("L", "PNG", {"transparency": 255}),
    ],
)
def test_a_transparent_border_stays_black(mode: str, kind: str, options: dict[str, Any], encode: Encode) -> None:
    film = read(encode(bordered(mode), kind, **options))
    assert film.pixels[0, 0] == film.pixels[-1, -1] == 0
    assert film.pixels[100, 90] == 120


def test_a_transparent_palette_entry_is_black(encode: Encode) -> None:
    film = read(encode(bordered("L").convert("P"), "PNG", transparency=255))
    assert film.pixels[0, 0] == 0
    assert film.pixels[100, 90] == 120


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 100}), ("PNG", {}), ("TIFF", {})])
def test_a_film_stored_turned_is_read_upright(
    orientation: int, kind: str, options: dict[str, Any], large_film: Grey, encode: Encode
) -> None:
    upright = Image.fromarray(large_film)
    transposes = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(transposes[orientation]) if orientation in transposes else upright
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    film = read(encode(stored, kind, exif=exif, **options))
    assert (film.width, film.height) == upright.size
    assert np.abs(film.pixels.astype(np.int16) - large_film).max() <= (3 if kind == "JPEG" else 0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_deep_film_stored_turned_is_read_upright(kind: str, encode: Encode) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    film = read(encode(np.ascontiguousarray(np.rot90(ramp())), kind, exif=exif))
    np.testing.assert_array_equal(film.pixels, ramp())


def test_a_turned_large_jpeg_gives_the_input_of_the_upright_one(large_film: Grey, encode: Encode) -> None:
    large = Image.fromarray(large_film).resize((2700, 2100))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    rotated = read(encode(large.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95))
    assert rotated.width < 2700, "the reduced decode must work with an EXIF rotation"
    difference = to_input(rotated).astype(np.int16) - to_input(read(encode(large, "JPEG", quality=95)))
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize(
    ("kind", "options"), [("TIFF", {}), ("WEBP", {"lossless": True, "duration": 100}), ("PNG", {"duration": 100})]
)
def test_the_first_of_several_images_is_used_with_a_warning(kind: str, options: dict[str, Any], encode: Encode) -> None:
    pages = [Image.fromarray(np.full((200, 180), level, np.uint8)) for level in (40, 120, 200)]
    film = read(encode(pages[0], kind, save_all=True, append_images=pages[1:], **options))
    assert np.unique(film.pixels).tolist() == [40]
    assert film.warnings == ("The file contains 3 images; only the first was used.",)


def test_the_first_page_of_an_opened_image_is_used_at_any_seek_position(encode: Encode) -> None:
    pages = [Image.fromarray(np.full((200, 180), level, np.uint8)) for level in (40, 120)]
    with Image.open(io.BytesIO(encode(pages[0], "TIFF", save_all=True, append_images=pages[1:]))) as picture:
        picture.seek(1)
        film = read(picture)
    assert np.unique(film.pixels).tolist() == [40]
    assert film.format == "TIFF"


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", ">u2", ">f8"])
def test_an_array_is_read_in_each_depth_and_shape(dtype: str, channels: int | None, large_film: Grey) -> None:
    factor = {"uint8": 1.0, "uint16": 257.0, ">u2": 257.0}.get(dtype, 1 / 255)
    array = (large_film * factor).astype(dtype)
    if channels is not None:
        array = np.repeat(array[:, :, None], channels, axis=2)
    film = read(array)
    assert film.format == "array"
    assert film.warnings == ()
    difference = to_input(film).astype(np.int16) - to_input(read(large_film))
    assert np.abs(difference).max() <= 1


def test_an_array_with_alpha_is_composited_on_black() -> None:
    film = read(np.asarray(bordered("RGBA")))
    assert film.pixels[0, 0] == 0
    assert film.pixels[100, 90] == 120


def test_a_sliced_array_is_read_as_it_looks(large_film: Grey) -> None:
    np.testing.assert_array_equal(read(large_film[::2, ::-2]).pixels, large_film[::2, ::-2])


@pytest.mark.parametrize("channels", [None, 3])
def test_floats_outside_0_to_1_are_stretched_with_a_warning(channels: int | None, large_film: Grey) -> None:
    array = large_film * 3.0 - 100
    array = array if channels is None else np.repeat(array[:, :, None], channels, axis=2)
    film = read(array)
    assert film.warnings == (STRETCHED_WARNING,)
    assert (film.pixels.min(), film.pixels.max()) == (0, 65535)


def test_damaged_exif_tags_of_an_opened_image_give_a_warning(large_film: Grey, encode: Encode) -> None:
    data = encode(large_film, "WEBP", lossless=True, exif=b"damaged")
    with Image.open(io.BytesIO(data)) as picture:
        film = read(picture)
    assert film.warnings == (DAMAGED_WARNING,)


@pytest.mark.parametrize("order", ["<", ">"])
def test_deep_colour_is_converted_with_a_warning(order: Literal["<", ">"], large_film: Grey) -> None:
    colours = np.stack([large_film, np.full_like(large_film, 30), np.full_like(large_film, 30)], axis=2)
    for data in (png(colours.astype(np.uint16) * 16), tiff_of(colours.astype(np.uint16) * 16, order=order)):
        film = read(data)
        assert film.warnings == (COLOUR_WARNING,)
        np.testing.assert_allclose(film.pixels / 16, colours @ [0.299, 0.587, 0.114], atol=0.1)


def test_only_part_of_an_alpha_channel_hides_a_film(large_film: Grey) -> None:
    alpha = np.full_like(large_film, 65535, np.uint16)
    alpha[:100] = 0
    film = read(png(np.stack([large_film.astype(np.uint16) * 16, alpha], axis=2)))
    assert not film.pixels[:100].any()
    np.testing.assert_array_equal(film.pixels[100:], large_film[100:].astype(np.uint16) * 16)


@pytest.mark.parametrize("mode", ["La", "RGBa"])
def test_a_pil_image_with_premultiplied_alpha_is_read(mode: str, large_film: Grey) -> None:
    alpha = "LA" if mode == "La" else "RGBA"
    np.testing.assert_array_equal(read(Image.fromarray(large_film).convert(alpha).convert(mode)).pixels, large_film)


def test_an_array_in_another_byte_order_is_read(large_film: Grey) -> None:
    deep = large_film.astype(np.uint16) * 16 + 3
    np.testing.assert_array_equal(read(deep.byteswap()).pixels, deep)
