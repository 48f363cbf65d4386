"""Completes the description of uncompressed pixels from their length, and cuts them to the first frame."""

from __future__ import annotations

import numpy as np
import pydicom
from pydicom.tag import Tag

from ...errors import UnreadableImage
from ...messages import message
from . import colour_layout, elements, photometric
from .element_reader import PIXEL_DATA
from .parser import ParsedFile

DEPTH_WARNING = message(
    "The DICOM header lacks the number of bits of a pixel (BitsStored); the brightest pixel was used "
    "instead. The contrast may differ."
)
LAST_PIXELS_WARNING = message("The last pixels of the film are missing; they are shown like the one before.")

EXCESS_WARNING = message(
    "The DICOM pixel data are longer than the image that the header describes; the rest was not read."
)

MAX_MISSING_BYTES = 16
"""Bytes that may be missing at the end of the pixel data: a pad byte that is counted but not written, or the last
pixels of a corner."""

_GE_BIG_ENDIAN_PIXELS = "1.2.840.113619.5.2"
"""Private transfer syntax of GE: implicit VR little endian, with pixels in big endian."""

_ALLOCATED_BITS = (8, 16)
_DECODED_BITS_ALLOCATED, _POSSIBLE_BITS_ALLOCATED = {1, 8, 16, 32, 64}, range(1, 65)


def is_whole(dataset: pydicom.Dataset, length: int) -> bool:
    """True if `length` is that of the uncompressed pixels that the header declares, with at most one pad byte."""
    size = _frame_bytes(dataset, elements.integer(dataset, "BitsAllocated", 0))
    frames = elements.integer(dataset, "NumberOfFrames", 1)
    return size > 0 and length - frames * size in {0, 1}


def complete(file: ParsedFile, value: bytes) -> tuple[int, list[str]]:
    """(number of frames, warnings). Raises `UnreadableImage` if the first frame is not whole."""
    dataset = file.dataset
    _complete_samples(dataset, len(value))
    _complete_sides(dataset, len(value))
    _complete_bits_allocated(dataset, len(value))
    warnings = _correct_samples(dataset, len(value))
    warnings += photometric.complete(dataset, _certain_samples(dataset, len(value)), "RGB")
    if not photometric.is_supported(dataset):
        return 1, warnings
    size = _frame_bytes(dataset, elements.integer(dataset, "BitsAllocated"))
    frames = _count_frames(dataset, size, len(value))
    warnings += _excess_warnings(value[size * frames :])
    value, fill_warnings = _fill(dataset, value[: size + size % 2], size)
    colour_layout.correct_colour(dataset, value)
    if file.syntax == _GE_BIG_ENDIAN_PIXELS and elements.integer(dataset, "BitsAllocated") == 16:
        value = np.frombuffer(value, np.uint16).byteswap().tobytes()
    _set_pixels(file, value)
    elements.set_missing(dataset, "PixelRepresentation", 0)
    return frames, [*warnings, *fill_warnings, *_complete_bits_stored(file, value)]


def _frame_bytes(dataset: pydicom.Dataset, allocated: int) -> int:
    """Bytes of one frame with `allocated` bits per sample; 0 if rows or columns are not known."""
    rows, columns = elements.integer(dataset, "Rows", 0), elements.integer(dataset, "Columns", 0)
    if photometric.term(dataset) == "YBR_FULL_422":  # two pixels share their colours
        return rows * (columns + columns % 2) * 2 * allocated // 8
    return -(-rows * columns * elements.integer(dataset, "SamplesPerPixel", 1) * allocated // 8)


def _complete_samples(dataset: pydicom.Dataset, length: int) -> None:
    if "SamplesPerPixel" in dataset:
        return
    term = photometric.term(dataset)
    if term is not None:
        samples = photometric.SAMPLES.get(term, 1)
    else:
        elements.set_value(dataset, "SamplesPerPixel", 3)
        samples = 3 if is_whole(dataset, length) else 1
    elements.set_value(dataset, "SamplesPerPixel", samples)


def _certain_samples(dataset: pydicom.Dataset, length: int) -> int:
    """Samples per pixel; 0 if the header states one sample and the length is that of three."""
    samples = elements.integer(dataset, "SamplesPerPixel")
    size = _frame_bytes(dataset, elements.integer(dataset, "BitsAllocated"))
    return 0 if samples == 1 and length - 3 * size in {0, 1} else samples


def _correct_samples(dataset: pydicom.Dataset, length: int) -> list[str]:
    """Let SamplesPerPixel and the term agree, as the length says, for samples of 8 bits; returns warnings."""
    term = photometric.term(dataset)
    declared = elements.integer(dataset, "SamplesPerPixel")
    expected = photometric.SAMPLES.get(term or "", declared)
    if elements.integer(dataset, "BitsAllocated") != 8 or expected == declared:
        return []
    is_declared_whole = is_whole(dataset, length) and term != "YBR_FULL_422"  # its length depends on no samples
    elements.set_value(dataset, "SamplesPerPixel", expected)
    if is_whole(dataset, length):
        return []
    elements.set_value(dataset, "SamplesPerPixel", declared)
    return colour_layout.correct_samples(dataset, declared, "RGB") if is_declared_whole else []


def _complete_sides(dataset: pydicom.Dataset, length: int) -> None:
    """Derive rows from columns, or columns from rows, if one is missing."""
    names = ("Rows", "Columns")
    missing = [name for name in names if name not in dataset]
    if not missing:
        return
    known = elements.integer(dataset, names[1 - names.index(missing[0])], 0)
    line = known * elements.integer(dataset, "SamplesPerPixel", 1) * elements.integer(dataset, "BitsAllocated", 0) // 8
    line *= elements.integer(dataset, "NumberOfFrames", 1)
    if line == 0 or length % line > 1 or length < line:
        raise UnreadableImage(message("The DICOM header lacks the size of the image (Rows, Columns).")) from None
    elements.set_value(dataset, missing[0], length // line)


def _complete_bits_allocated(dataset: pydicom.Dataset, length: int) -> None:
    """Derive the bits of a sample from the length if they are missing, or contradict both the length and BitsStored."""
    allocated = elements.integer(dataset, "BitsAllocated", 0)
    stored = elements.integer(dataset, "BitsStored", 0)
    frames = elements.integer(dataset, "NumberOfFrames", 1)
    is_possible = stored <= allocated and _frame_bytes(dataset, allocated) - length <= MAX_MISSING_BYTES
    if allocated in _DECODED_BITS_ALLOCATED and is_possible:
        return
    for bits in _ALLOCATED_BITS:
        fits = length - frames * _frame_bytes(dataset, bits) in {0, 1}
        if fits and (stored <= bits or stored > _ALLOCATED_BITS[-1]):
            elements.set_value(dataset, "BitsAllocated", bits)
            return
    if allocated not in _POSSIBLE_BITS_ALLOCATED:
        raise UnreadableImage(message("The DICOM header lacks the bits of a pixel (BitsAllocated).")) from None


def _count_frames(dataset: pydicom.Dataset, size: int, length: int) -> int:
    """Number of whole frames. Raises `UnreadableImage` if the last one is cut off: bytes may be missing anywhere."""
    available = length // size
    declared = elements.integer(dataset, "NumberOfFrames", 1)
    is_multiple = length % size <= 1
    if declared > 1 and declared > available and not is_multiple:
        raise UnreadableImage(message("The DICOM file is truncated: its pixel data are incomplete.")) from None
    return max(1, available if declared == 1 and is_multiple else min(declared, available))


def _excess_warnings(excess: bytes) -> list[str]:
    """A warning for bytes after the frames, unless they are padding, which is constant."""
    return [EXCESS_WARNING] if len(excess) > 1 and excess.count(excess[:1]) != len(excess) else []


def _fill(dataset: pydicom.Dataset, value: bytes, size: int) -> tuple[bytes, list[str]]:
    """(samples of the whole frame, warnings): repeats the last sample if a few bytes are missing."""
    missing = size - len(value)
    if missing <= 0:
        return value, []
    sample_bytes = elements.integer(dataset, "BitsAllocated") // 8
    if missing > MAX_MISSING_BYTES or len(value) < 2 * MAX_MISSING_BYTES or not sample_bytes:
        raise UnreadableImage(message("The DICOM file is truncated: its pixel data are incomplete.")) from None
    whole = value[: len(value) - len(value) % sample_bytes]
    return (whole + whole[-sample_bytes:] * (MAX_MISSING_BYTES + 1))[:size], [LAST_PIXELS_WARNING]


def _complete_bits_stored(file: ParsedFile, value: bytes) -> list[str]:
    dataset = file.dataset
    allocated = elements.integer(dataset, "BitsAllocated")
    if 1 <= elements.integer(dataset, "BitsStored", 0) <= allocated:
        return []
    high_bit = elements.integer(dataset, "HighBit", allocated)
    if 8 <= high_bit < allocated or allocated != 16:
        elements.set_value(dataset, "BitsStored", high_bit + 1 if 8 <= high_bit < allocated else allocated)
        return []
    samples = np.frombuffer(value, "<u2" if file.encoding.is_little_endian else ">u2")
    elements.set_value(dataset, "BitsStored", max(8, int(samples.max()).bit_length()))
    return [] if "WindowCenter" in dataset else [DEPTH_WARNING]


def _set_pixels(file: ParsedFile, value: bytes) -> None:
    """Set the pixel data. Only words (VR OW) are byte-swapped in a big-endian file; their number of bytes is even."""
    raw = elements.raw_element(file.dataset, Tag(PIXEL_DATA))
    is_words = elements.integer(file.dataset, "BitsAllocated") > 8 or file.encoding.is_implicit
    vr = raw.VR if raw.VR in {"OB", "OW"} else "OW" if is_words else "OB"
    file.dataset[PIXEL_DATA] = pydicom.DataElement(PIXEL_DATA, vr, value)
