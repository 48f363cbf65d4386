"""Which image files and arrays are refused, with which error code; messages never quote the file."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from PIL import Image

from pneumonia import PneumoniaError, imaging
from pneumonia.errors import EmptyFile, FilmError, TooLarge, TooSmall, UnreadableImage, UnsupportedFormat
from pneumonia.imaging import read

Grey = npt.NDArray[np.uint8]

Encode = Callable[..., bytes]
FORMATS = ["PNG", "JPEG", "WEBP", "TIFF", "BMP"]


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header declares any size: a decompression bomb."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


# 9,000 x 9,000 is just over the limit of 80 million pixels; Pillow warns from 89 and raises from 179 million.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_000, 10_000, 60_000])
def test_a_header_that_declares_too_many_pixels_is_refused(side: int) -> None:
    with pytest.raises(TooLarge) as caught:
        read(png_claiming(side, side))
    assert caught.value.code == "too_large"


def test_the_refusal_says_what_is_allowed_and_what_was_received() -> None:
    with pytest.raises(TooLarge, match=r"Allowed: 80,000,000 pixels\. Received: 8001 x 10000\."):
        read(png_claiming(8001, 10_000))


def test_the_size_is_checked_before_anything_is_decoded() -> None:
    # A declared size within the limit reaches the damaged body; a size beyond the limit does not.
    with pytest.raises(UnreadableImage):
        read(png_claiming(800, 100))
    with pytest.raises(TooLarge):
        read(png_claiming(8000, 10_001))


@pytest.mark.parametrize("kind", [*FORMATS, "array", "picture"])
def test_the_limit_itself_is_allowed_and_one_pixel_beyond_is_not(
    kind: str, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.full((100, 120), 90, np.uint8)
    in_memory: dict[str, Any] = {"array": pixels, "picture": Image.fromarray(pixels)}
    source = in_memory[kind] if kind in in_memory else encode(pixels, kind)
    monkeypatch.setenv("PNEUMONIA_MAX_PIXELS", "12000")
    assert read(source).pixels.size == 12_000
    monkeypatch.setenv("PNEUMONIA_MAX_PIXELS", "11999")
    with pytest.raises(TooLarge, match=r"Allowed: 11,999 pixels\. Received: 120 x 100\."):
        read(source)


@pytest.mark.parametrize("as_path", [True, False])
def test_a_file_at_the_limit_is_read_and_one_byte_more_is_refused(
    as_path: bool, encode: Encode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_FILE_MB", "1")
    data = encode(np.full((200, 200), 90, np.uint8), "BMP")
    path = tmp_path / "film.bmp"
    for size, fits in ((1_000_000, True), (1_000_001, False)):
        padded = data.ljust(size, b"\0")
        path.write_bytes(padded)
        source = path if as_path else padded
        if fits:
            assert read(source).width == 200
        else:
            with pytest.raises(TooLarge, match=r"Allowed: 1 MB\."):
                read(source)


@pytest.mark.parametrize(("shape", "fits"), [((64, 64), True), ((63, 500), False), ((500, 63), False), ((1, 1), False)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "array"])
def test_a_short_side_under_64_pixels_is_too_small(
    shape: tuple[int, int], fits: bool, kind: str, encode: Encode
) -> None:
    pixels = np.full(shape, 90, np.uint8)
    source = pixels if kind == "array" else encode(pixels, kind)
    if fits:
        assert read(source).pixels.shape == shape
    else:
        with pytest.raises(TooSmall, match=rf"at least 64 pixels\. Received: {shape[1]} x {shape[0]}\."):
            read(source)


@pytest.mark.parametrize("as_path", [True, False])
def test_an_empty_file_is_refused_as_empty(as_path: bool, tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.touch()
    with pytest.raises(EmptyFile):
        read(path if as_path else b"")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"\0", "an unknown format (1 bytes)"),
        (b"\x89PNX\r\n\x1a\nSECRET", "an unknown format (14 bytes)"),
        (b"SECRET patient letter", "a text file"),
        (b"%PDF-1.7\nSECRET", "a PDF"),
        (b"PK\x03\x04SECRET", "a ZIP or office file"),
        (b"<html>SECRET</html>", "a web page (HTML)"),
        (b"RIFF\x00\x00\x00\x00AVI SECRET", "an AVI video"),
    ],
)
def test_an_unsupported_file_is_refused_with_a_description(data: bytes, word: str) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        read(data)
    assert caught.value.message.endswith(f"Received: {word}.")
    assert f"Allowed: {imaging.FORMATS}." in caught.value.message
    assert "SECRET" not in caught.value.message


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_truncated_file_is_unreadable_and_not_half_a_film(
    kind: str, share: float, large_film: Grey, encode: Encode
) -> None:
    data = encode(large_film, kind)
    with pytest.raises(UnreadableImage) as caught:
        read(data[: int(share * len(data))])
    assert caught.value.code == "unreadable_image"


@pytest.mark.parametrize("magic", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF0000WEBP", b"II*\0", b"MM\0*", b"BM"])
def test_magic_bytes_alone_are_unreadable_and_not_quoted(magic: bytes) -> None:
    with pytest.raises(UnreadableImage) as caught:
        read(magic + b"PatientName=Doe^Jane " * 20)
    assert "Jane" not in caught.value.message
    # A traceback with the decoder's exception would show its message, which may quote the file.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_folder_is_refused_as_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="folder"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["missing.png", "film.png/inside.png", "x" * 300, "nul\0byte.png"])
def test_a_path_that_cannot_be_opened_is_unreadable(name: str, tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(b"x")
    with pytest.raises(UnreadableImage) as caught:
        read(str(tmp_path / name))
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["TIFF", "array", "colour array"])
def test_a_film_with_values_that_are_not_numbers_is_unreadable(bad: float, kind: str, encode: Encode) -> None:
    values = np.full((200, 180), 0.5, np.float32)
    values[100, 90] = bad
    sources: dict[str, Callable[[], Any]] = {
        "TIFF": lambda: encode(values, "TIFF"),
        "array": lambda: values,
        "colour array": lambda: np.repeat(values[:, :, None], 3, axis=2),
    }
    with pytest.raises(UnreadableImage, match="NaN or infinite"):
        read(sources[kind]())


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((200, 200), np.int16),
        np.zeros((200, 200), np.int64),
        np.zeros((200, 200), np.uint32),
        np.zeros((200, 200), np.uint64),
        np.zeros((200, 200, 3), np.uint32),
        np.zeros((200, 200), bool),
        np.zeros((200, 200), complex),
        np.full((200, 200), "a"),
        np.zeros((200, 200), object),
        np.zeros(200, np.uint8),
        np.zeros((1, 200, 200), np.uint8),
        np.zeros((200, 200, 2), np.uint8),
        np.zeros((2, 200, 200, 3), np.uint8),
        np.zeros((0, 200), np.uint8),
        np.zeros((), np.uint8),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_an_illegal_array_is_refused_with_what_is_legal(array: npt.NDArray[Any]) -> None:
    with pytest.raises(UnreadableImage) as caught:
        read(array)
    assert "Allowed: [H, W]" in caught.value.message
    assert f"Received: shape {array.shape}, {array.dtype}." in caught.value.message


def test_a_closed_picture_is_unreadable(large_film: Grey, encode: Encode) -> None:
    picture = Image.open(io.BytesIO(encode(large_film, "PNG")))
    picture.close()
    with pytest.raises(UnreadableImage):
        read(picture)


MAGICS = [
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"RIFF\x40\0\0\0WEBPVP8 ",
    b"II*\0\x08\0\0\0",
    b"BM",
    b"MM\0+",
]
QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.filterwarnings("ignore")
@QUICK
@given(strategies.sampled_from(MAGICS), strategies.binary(max_size=400))
def test_arbitrary_bytes_raise_only_film_errors(magic: bytes, rest: bytes) -> None:
    data = magic + rest
    try:
        film = read(data)
    except PneumoniaError as error:
        assert isinstance(error, FilmError)
        assert len(error.message) < 250
    else:
        assert min(film.pixels.shape) >= 64


def encoded(kind: str) -> bytes:
    grain = np.random.default_rng(3).integers(0, 256, (80, 90), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grain).save(buffer, kind)
    return buffer.getvalue()


WHOLE = {kind: encoded(kind) for kind in FORMATS}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", FORMATS)
@QUICK
@given(data=strategies.data())
def test_damaged_files_raise_only_film_errors(kind: str, data: strategies.DataObject) -> None:
    whole = bytearray(WHOLE[kind])
    # Most of the damage is in the header, where decoders branch.
    positions = strategies.one_of(strategies.integers(0, 120), strategies.integers(0, len(whole) - 1))
    changes = strategies.lists(strategies.tuples(positions, strategies.integers(0, 255)), max_size=8)
    for position, value in data.draw(changes):
        whole[position] = value
    try:
        film = read(bytes(whole))
    except PneumoniaError as error:
        assert isinstance(error, FilmError)
    else:
        assert film.pixels.ndim == 2


@pytest.mark.parametrize("size", [(0, 0), (0, 100), (100, 0)])
@pytest.mark.parametrize("mode", ["L", "I;16", "RGBA"])
def test_a_pil_image_without_pixels_is_too_small(mode: str, size: tuple[int, int]) -> None:
    with pytest.raises(TooSmall, match=f"Received: {size[0]} x {size[1]}"):
        imaging.read(Image.new(mode, size))
