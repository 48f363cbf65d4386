"""From a file to what the network sees: bytes -> `Radiograph` -> model input.

This is the single definition. Training, evaluation, page, API and command line all come through `read` and `to_input`.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from .. import settings
from ..errors import EmptyFile, TooLarge, TooSmall, UnreadableImage, UnsupportedFormat
from . import decode_limits, greyscale
from .dicom.pydicom_import import without_gdcm
from .radiograph import Pixels, Radiograph, check_pixel_count, rescale_to_uint16, row_slices, translate_decoder_errors

Source: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | npt.NDArray[np.generic]"

INPUT_SIDE = 150
"""Side of the model input in pixels: the seed's 150 x 150."""

MIN_SIDE = 64
"""Shortest side in pixels that is read at all; below it no lung marking is left to judge."""

LOW_RESOLUTION_SIDE = INPUT_SIDE
"""Below this short side the film is enlarged for the network, and a warning says so."""

REDUCED_SIDE = 4 * INPUT_SIDE
"""A JPEG may be decoded at 1/2, 1/4 or 1/8 as long as its short side keeps this many pixels: four times the input's
side. The model input then differs from the full decode's by 0.1 grey levels on average and 2 at most (measured at
2400 x 2000 and 3200 x 2400); `tests/imaging/test_imaging.py` holds it to 0.3 and 3."""

INVERTED_WARNING = "The film looked inverted (bones dark); it was corrected."
_TIFF_PHOTOMETRIC = 262
_TIFF_TILE = (322, 323)
"""Width and height of a TIFF's tiles: libtiff makes room for a whole one, however small the picture."""

_ORIENTATION = 274

# `check_pixel_count` stands in its place: lower, a setting, and asked before anything is decoded.
Image.MAX_IMAGE_PIXELS = None

_MAGIC: tuple[tuple[str, int, bytes], ...] = (
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("WEBP", 8, b"WEBP"),
    ("TIFF", 0, b"II*\x00"),
    ("TIFF", 0, b"MM\x00*"),
    ("TIFF", 0, b"II+\x00"),
    ("TIFF", 0, b"MM\x00+"),
    ("BMP", 0, b"BM"),
    ("DICOM", 128, b"DICM"),
)
FORMATS = "PNG, JPEG, WebP, TIFF, BMP or DICOM"


def read(source: Source, *, full_resolution: bool = False) -> Radiograph:
    """Read one film from a path, bytes, a PIL image or an array (uint8, uint16, or float in 0..1).

    A large JPEG is decoded at reduced size, since the network sees 150 x 150 anyway; `full_resolution=True` is for a
    viewer. The kind of file is told by its first bytes, never by its name. Raises a `PneumoniaError` from
    `pneumonia.errors` for whatever cannot be read.
    """
    if isinstance(source, np.ndarray):
        return _checked(_from_array(source))
    if isinstance(source, Image.Image):
        with translate_decoder_errors("picture"):
            return _checked(_from_picture(source, source.format or "image"))
    data = source if isinstance(source, bytes) else _file_bytes(Path(source))
    return _checked(_from_bytes(data, full_resolution))


def to_input(film: Radiograph) -> npt.NDArray[np.uint8]:
    """The network's view of a film: `[150, 150, 3]` uint8, three equal channels, one memory, not to be written to.

    The film is stretched to a square by one bilinear resize with antialiasing and then brought to 8 bits. Deeper films
    are scaled by the smallest detector depth (8, 10, 12, 14, 16 bits) that holds their brightest pixel, so that a
    12-bit film in a 16-bit file is not seen as black.
    """
    grey = _picture(film.pixels) if film.pixels.dtype == np.uint8 else Image.fromarray(film.pixels.astype(np.float32))
    small = grey.resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BILINEAR)
    if film.pixels.dtype != np.uint8:
        levels = np.rint(np.asarray(small) * (255.0 / _full_scale(film.pixels)))
        small = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    seen = np.frombuffer(small.tobytes(), np.uint8).reshape(INPUT_SIDE, INPUT_SIDE, 1)
    return np.broadcast_to(seen, (INPUT_SIDE, INPUT_SIDE, 3))


def _picture(grey: Pixels) -> Image.Image:
    """`[H, W]` uint8 as a picture of the same memory, without what `Image.fromarray` asks of any array."""
    return Image.frombuffer("L", (grey.shape[1], grey.shape[0]), np.ascontiguousarray(grey), "raw", "L", 0, 1)


def to_display(film: Radiograph) -> npt.NDArray[np.uint8]:
    """The film in its own size `[H, W]` at 8 bits, scaled as `to_input` scales it: what a person should compare."""
    if film.pixels.dtype == np.uint8:
        return film.pixels.astype(np.uint8, copy=False)
    shown: npt.NDArray[np.uint8] = np.rint(film.pixels * (255.0 / _full_scale(film.pixels))).astype(np.uint8)
    return shown


def invert(film: Radiograph) -> Radiograph:
    """The film with dark and bright exchanged within its own depth, and a warning that says so."""
    pixels = film.pixels.dtype.type(_full_scale(film.pixels)) - film.pixels
    return replace(film, pixels=pixels, warnings=(*film.warnings, INVERTED_WARNING))


def detect_format(data: bytes) -> str:
    """The format that the first bytes claim; raises `UnsupportedFormat` for anything else."""
    for name, offset, magic in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return name
    if _looks_like_bare_dicom(data):
        return "DICOM"
    raise UnsupportedFormat(
        f"This file is not a picture that can be read. Allowed: {FORMATS}. Received: {_kind(data)}."
    )


def _file_bytes(path: Path) -> bytes:
    limit_mb = settings.MAX_FILE_MB.read()
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise UnreadableImage("This is not a file (a folder, a device, a pipe). Allowed: one file.")
        size = facts.st_size
        if size > limit_mb * 1_000_000:
            raise TooLarge(f"The file is too large. Allowed: {limit_mb} MB. Received: {size / 1e6:.1f} MB.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        # ValueError: a path with a NUL in it.
        why = getattr(error, "strerror", None) or "its name is not legal"
        raise UnreadableImage(f"The file cannot be opened: {why}.") from None


def _from_bytes(data: bytes, full_resolution: bool) -> Radiograph:
    if not data:
        raise EmptyFile("The file is empty (0 bytes).")
    limit_mb = settings.MAX_FILE_MB.read()
    if len(data) > limit_mb * 1_000_000:
        raise TooLarge(f"The file is too large. Allowed: {limit_mb} MB. Received: {len(data) / 1e6:.1f} MB.")
    kind = detect_format(data)
    if kind == "DICOM":
        with without_gdcm():
            from .dicom import reader as dicom  # pydicom costs 0.3 s to import, and most films are pictures
        return dicom.read(data)
    if kind == "JPEG":
        decode_limits.check_jpeg_scans(data)
    # A BMP has no parts that are kept, and its runs are read two bytes at a time: only the file's size bounds them.
    file = io.BytesIO(data) if kind == "BMP" else decode_limits.BoundedReader(data)
    with translate_decoder_errors("picture"), Image.open(file, formats=[kind]) as picture:
        check_pixel_count(*picture.size)
        if kind == "JPEG" and not full_resolution:
            picture.draft(picture.mode, (REDUCED_SIDE, REDUCED_SIDE))
        return _from_picture(picture, kind)


def _from_picture(picture: Image.Image, kind: str) -> Radiograph:
    check_pixel_count(*picture.size)
    notes = []
    frames = decode_limits.count_frames(picture)
    if frames > 1:
        notes.append(f"The file holds {frames} pictures; only the first was used.")
        picture.seek(0)
    tags: Mapping[int, Any] = getattr(picture, "tag_v2", {})
    check_pixel_count(*(tags.get(side, 0) for side in _TIFF_TILE))
    pixels, lost = _grey(_upright(picture))
    if pixels.dtype == np.uint16 and tags.get(_TIFF_PHOTOMETRIC) == 0:
        # Pillow turns a TIFF in which zero is white for 8 bits, but not for 16.
        pixels = np.uint16(_full_scale(pixels)) - pixels
    return Radiograph(pixels, kind, (*notes, *lost))


def _grey(picture: Image.Image) -> tuple[Pixels, tuple[str, ...]]:
    """`[H, W]` grey pixels in the picture's own depth, and a note where colour was lost on the way."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16), ()
    if mode in {"I", "F"}:
        return _deep_grey(np.asarray(picture)), ()
    if mode in {"1", "L"} and not picture.has_transparency_data:
        # Also `convert` to its own mode makes a copy.
        return np.asarray(picture if mode == "L" else picture.convert("L")), ()
    return greyscale.to_grey(_on_black(picture) if picture.has_transparency_data else picture.convert("RGB"))


def _upright(picture: Image.Image) -> Image.Image:
    """The picture as its EXIF says that it is to be seen; itself where it lies so, since a copy may be large."""
    picture.load()
    return ImageOps.exif_transpose(picture) if picture.getexif().get(_ORIENTATION, 1) != 1 else picture


def _on_black(picture: Image.Image) -> Image.Image:
    """RGB: a film lies on black; a transparent border must not become a white frame."""
    flat = Image.new("RGB", picture.size)
    for band in row_slices(picture.height, picture.width):
        part = picture.crop((0, band.start, picture.width, band.stop)).convert("RGBA")
        flat.paste(Image.alpha_composite(Image.new("RGBA", part.size, "black"), part), (0, band.start))
    return flat


def _deep_grey(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint16]:
    """Whole numbers that fit keep their values; floats in 0..1 fill 16 bits; anything else is stretched to 16 bits."""
    if not all(np.isfinite(values[band]).all() for band in row_slices(*values.shape)):
        raise UnreadableImage("The picture holds values that are not numbers (NaN or infinite).")
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "iu" and low >= 0 and high <= 65535:
        return values.astype(np.uint16)
    fits = values.dtype.kind == "f" and low >= 0 and high <= 1
    deep = np.empty(values.shape, np.uint16)
    for band in row_slices(*values.shape):
        numbers = values[band].astype(np.float64)
        deep[band] = np.rint(numbers * 65535) if fits else rescale_to_uint16(numbers, low, high)
    return deep


def _from_array(array: npt.NDArray[np.generic]) -> Radiograph:
    legal = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in {1, 3, 4})
    if not legal or array.size == 0 or array.dtype.kind not in "uf" or array.dtype.itemsize * 8 < 8:
        raise UnreadableImage(
            "The array is not a film. Allowed: [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]; uint8, uint16, or float in "
            f"0..1. Received: shape {array.shape}, {array.dtype}."
        )
    check_pixel_count(array.shape[1], array.shape[0])
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype == np.uint8 and array.ndim == 2:
        return Radiograph(np.ascontiguousarray(array), "array")
    if array.dtype == np.uint8:
        return _from_picture(Image.fromarray(np.ascontiguousarray(array)), "array")
    if array.ndim == 2:
        return Radiograph(_deep_grey(array), "array")
    grey, was_coloured = _deep_colours(array)
    return Radiograph(grey, "array", (greyscale.COLOUR_WARNING,) if was_coloured else ())


def _deep_colours(array: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.uint16], bool]:
    """`[H, W, 3 or 4]` uint16 or float -> grey, and whether colour was lost; alpha is laid on black."""
    white = 65535.0 if array.dtype.kind == "u" else 1.0
    channels = array[:, :, :3].astype(np.float64) / white
    if array.shape[2] == 4:
        channels *= array[:, :, 3:].astype(np.float64) / white
    grey = _deep_grey(channels @ np.array([0.299, 0.587, 0.114]))  # ITU-R 601-2, as Pillow does
    spread = 255 * (channels.max(axis=2) - channels.min(axis=2))
    return grey, bool(np.percentile(spread, 99) > greyscale.COLOUR_TOLERANCE)


def _checked(film: Radiograph) -> Radiograph:
    short_side = min(film.height, film.width)
    if short_side < MIN_SIDE:
        raise TooSmall(
            f"The picture is too small to judge. Allowed: a short side of at least {MIN_SIDE} pixels. "
            f"Received: {film.width} x {film.height}."
        )
    if short_side < LOW_RESOLUTION_SIDE:
        note = f"Low resolution: the short side has {short_side} pixels; fine signs may be lost."
        return replace(film, warnings=(*film.warnings, note))
    return film


def _full_scale(pixels: Pixels) -> float:
    """The largest value of the smallest detector depth that holds the brightest pixel."""
    brightest = int(pixels.max())
    return float(next(2**bits - 1 for bits in (8, 10, 12, 14, 16) if brightest < 2**bits))


def _looks_like_bare_dicom(data: bytes) -> bool:
    """A data set without preamble: it starts with group 0002 or 0008, then a value representation or a short length."""
    explicit = data[4:6] in {b"UL", b"OB", b"CS", b"UI", b"SH"}
    return data[:2] in {b"\x02\x00", b"\x08\x00"} and (explicit or data[6:8] == b"\x00\x00")


def _kind(data: bytes) -> str:
    """A word for a foreign file that helps its owner; never a quote from it."""
    known = ((b"%PDF", "a PDF"), (b"PK\x03\x04", "a ZIP or office file"), (b"GIF8", "a GIF"), (b"<", "a text file"))
    return next((name for magic, name in known if data.startswith(magic)), f"{len(data)} bytes of another kind")
