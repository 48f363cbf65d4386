"""JPEG file -> `Radiograph`.

Pillow decodes JPEG with 8 bits. JPEG with 12 bits, lossless JPEG and JPEG-LS are decoded as in DICOM, in a separate
process (`uncommon_jpeg`). libjpeg fills missing data with grey and reports nothing, so this module verifies that a film
is complete where that is in doubt.
"""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
from PIL import Image, ImageChops

from ...errors import UnreadableImage, UnsupportedFormat
from ...messages import message
from .. import decode_limits
from ..decode_limits import BoundedReader
from ..decoding import check_pixel_count, translate_decoder_errors
from ..radiograph import Pixels, Radiograph
from . import jpeg_segments, orientation
from .jpeg_segments import END_MARKER, JpegSegments
from .pictures import first_frame_warnings, grey_pixels

_BASELINE = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
"""Frame headers that libjpeg decodes at 8 bits: sequential and progressive, with Huffman or arithmetic coding."""

_CHANNELS = {1, 3, 4}
"""Numbers of channels that Pillow decodes."""

_HIERARCHICAL = {0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF}

_ARITHMETIC = {0xC9, 0xCA}

_ARITHMETIC_TAIL_LINES = 16
"""Lines at the end of a complete arithmetic-coded JPEG that may depend on the bytes after its data: an encoder leaves
out zeros at the end (ITU-T T.81, D.1.8). 16 lines are the last row of blocks of a JPEG in colour. A larger even area
that is coded as zeros cannot be told from missing data, so such a film is refused."""

_INK_SAMPLE_SIDE, _MAX_BLACK = 64, 16
"""Side of a reduced CMYK image, and the grey level below which its brightest pixel counts as black."""

_FILLS = (127, 128)
"""Grey values with which libjpeg fills the part of an image without data."""

_CONTINUATIONS = (b"\x5a\xa5\x33" * 40, b"\x31\x8e\x72" * 40)
"""Bytes that are not the continuation of any film."""

Decoded = tuple[Pixels, tuple[str, ...]]


def read(data: bytes, reduced_side: int | None) -> Radiograph:
    """Decode a JPEG; at reduced size if both sides then still have `reduced_side` pixels.

    Raises `TooLarge`, `UnreadableImage` or `UnsupportedFormat`, and `Busy` if no decoder process can be started.
    """
    decode_limits.check_jpeg_scans(data)
    segments = jpeg_segments.scan(data)
    check_pixel_count(segments.width, segments.height)
    film_orientation = orientation.from_metadata(segments.exif, segments.xmp)
    pixels, warnings = _decode(data, segments, reduced_side)
    frames = first_frame_warnings(segments.frames)
    return Radiograph(film_orientation.apply(pixels), "JPEG", (*frames, *film_orientation.warnings, *warnings))


def _decode(data: bytes, segments: JpegSegments, reduced_side: int | None) -> Decoded:
    if segments.marker in _HIERARCHICAL:
        raise UnsupportedFormat(
            message("Unsupported JPEG. Allowed: all except hierarchical JPEG. Received: hierarchical JPEG.")
        )
    if segments.marker not in _BASELINE or segments.precision != 8 or segments.components not in _CHANNELS:
        from . import uncommon_jpeg  # imports pydicom, which takes 0.3 s

        return uncommon_jpeg.decode(segments.as_jpeg(data), segments), ()
    clean = segments.as_jpeg(data)
    first_scan = len(clean) - len(data) + segments.scan
    if jpeg_segments.has_gap(clean, first_scan, segments):
        raise UnreadableImage(message("The JPEG is damaged: a part of its compressed data is missing."))
    has_end = clean.rfind(END_MARKER, first_scan) >= 0  # in most files the last bytes, found at once
    if has_end:
        # libjpeg refuses a file in which the start of another image follows before the end of the first.
        with suppress(UnreadableImage):
            decoded = _decode_with_pillow(clean, reduced_side)
            if not _is_doubtful(clean, first_scan, segments, decoded[0]):
                return decoded
    compressed = clean[: jpeg_segments.end_of_scans(clean, first_scan)].removesuffix(b"\xff")
    if not has_end:
        compressed = compressed.rstrip(b"\0")  # the rest of an incomplete download
    decoded = _decode_with_pillow(compressed + END_MARKER, reduced_side)
    if not _is_complete(compressed, first_scan, segments, decoded[0], reduced_side):
        raise UnreadableImage(message("The JPEG is truncated: its compressed data are incomplete."))
    return decoded


def _decode_with_pillow(data: bytes, reduced_side: int | None) -> Decoded:
    from PIL.JpegImagePlugin import JpegImageFile

    with translate_decoder_errors():
        try:
            picture = JpegImageFile(BoundedReader(data))
        except (SyntaxError, IndexError, TypeError, struct.error):
            raise ValueError from None
        if reduced_side is not None:
            picture.draft(picture.mode, (reduced_side, reduced_side))
        # Pillow passes 64 KB at a time, but libjpeg cannot stop within arithmetic-coded data.
        picture.decodermaxblock = len(data)
        picture.load()
        decoded = _with_true_inks(picture) if picture.mode == "CMYK" else picture
    return grey_pixels(decoded)


def _with_true_inks(picture: Image.Image) -> Image.Image:
    """A CMYK image whose inks are stored as they are, and not inverted, as Adobe stores them and Pillow expects them.

    Read in the wrong way, a film has full black ink, or full ink in all colours, and is black everywhere.
    """
    sample = picture.resize((_INK_SAMPLE_SIDE, _INK_SAMPLE_SIDE), Image.Resampling.BOX)
    inverted = ImageChops.invert(sample)
    brightest, brightest_inverted = (float(np.asarray(inks.convert("L")).max()) for inks in (sample, inverted))
    return ImageChops.invert(picture) if brightest < _MAX_BLACK < brightest_inverted else picture


def _is_doubtful(data: bytes, first_scan: int, segments: JpegSegments, pixels: Pixels) -> bool:
    """Whether a JPEG with an end marker may lack data before it.

    The end of such an image is grey, or, with arithmetic coding, anything; a progressive one may lack whole scans.
    """
    if segments.is_progressive and not _has_all_scans(data[first_scan:], segments.components):
        return True
    return bool(pixels[-1, -1] in _FILLS) or segments.marker in _ARITHMETIC


def _is_complete(
    data: bytes, first_scan: int, segments: JpegSegments, pixels: Pixels, reduced_side: int | None
) -> bool:
    """Whether the compressed data, a JPEG without its end marker, cover the whole image.

    A decoder that has all data ignores further bytes before the end marker. One that lacks data decodes them, and the
    image changes.
    """
    if segments.is_progressive and not _has_all_scans(data[first_scan:], segments.components):
        return False
    lines = pixels.shape[0] - (_ARITHMETIC_TAIL_LINES if segments.marker in _ARITHMETIC else 0)
    for continuation in _CONTINUATIONS:
        other, _ = _decode_with_pillow(data + continuation + END_MARKER, reduced_side)
        if not np.array_equal(other[:lines], pixels[:lines]):
            return False
    return True


def _has_all_scans(data: bytes, components: int) -> bool:
    """Whether the scans of a progressive JPEG contain every bit of every coefficient of every component."""
    lowest_bits: dict[tuple[int, int], int] = {}
    position = data.find(b"\xff\xda")
    while 0 <= position < len(data) - 10:
        count = data[position + 4]
        listed = data[position + 5 : position + 5 + 2 * count : 2]
        spectrum = data[position + 5 + 2 * count : position + 8 + 2 * count]
        if len(spectrum) == 3:
            for component in listed:
                for coefficient in range(spectrum[0], min(spectrum[1], 63) + 1):
                    lowest_bits[component, coefficient] = spectrum[2] & 15
        position = data.find(b"\xff\xda", position + 2)
    complete = [key for key, lowest in lowest_bits.items() if lowest == 0]
    return len(complete) == 64 * components
