"""The elements that describe the pixels (DICOM PS3.3, C.7.6.3), completed and made consistent with the pixel data.

Whole pixels are read whatever these elements are like, as long as the layout of the samples is certain: an element that
is missing or invalid is derived from the length of the pixel data or from the header of the compressed frame. Rows and
columns that contradict the pixel data are an error, since the film may be cut off.
"""

from __future__ import annotations

from typing import NamedTuple

import pydicom
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ...errors import UnreadableImage
from ...messages import message
from ..decoding import check_pixel_count
from . import (
    codestreams,
    compressed_pixels,
    decoder_worker,
    elements,
    encapsulation,
    native_pixels,
    optional_numbers,
    photometric,
)
from .codestreams import Codestream
from .parser import ParsedFile

UNCOMPRESSED = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian}
"""Transfer syntaxes with uncompressed pixels; a deflated file is decompressed before."""

_RETIRED_JPEG = {UID(f"1.2.840.10008.1.2.4.{number}") for number in range(52, 67)}
"""Transfer syntaxes of retired JPEG processes; some of their frames are those of a supported process."""

_MAX_FRAMES = 1_000_000


class FirstFrame(NamedTuple):
    """What `complete` found: the first frame as compressed bytes, None if it is not compressed, and the warnings."""

    compressed_frame: bytes | None
    warnings: tuple[str, ...]


def complete(file: ParsedFile) -> FirstFrame:
    """Complete the elements of a file that has pixel data, and cut uncompressed ones to the first frame.

    Sets the transfer syntax that the pixel data have in fact, and `NumberOfFrames` to 1. Raises `UnreadableImage` if
    the pixel data are truncated, and `TooLarge` if they have too many pixels or fragments.
    """
    dataset = file.dataset
    warnings = optional_numbers.warnings(dataset)
    _keep_valid_integers(dataset)
    check_pixel_count(elements.integer(dataset, "Columns", 0), elements.integer(dataset, "Rows", 0))
    frame: bytes | None = None
    if not file.pixel_data:  # pixels of floating point numbers
        dataset.file_meta.TransferSyntaxUID = _uncompressed_syntax(file)
        count = elements.integer(dataset, "NumberOfFrames", 1)
        warnings += photometric.complete(dataset, elements.integer(dataset, "SamplesPerPixel", 1), "RGB")
        return FirstFrame(None, (*_frame_warnings(count), *warnings))
    if is_compressed(file):
        declared_frames = elements.integer(dataset, "NumberOfFrames", 1)
        frames = encapsulation.split_frames(file.pixel_data, file.encoding, declared_frames)
        codestream = codestreams.read_header(frames.first)
        dataset.file_meta.TransferSyntaxUID = _compressed_syntax(file.syntax, codestream)
        warnings += compressed_pixels.complete(dataset, codestream)
        count, frame = frames.number, frames.first
    else:
        dataset.file_meta.TransferSyntaxUID = _uncompressed_syntax(file)
        count, native_warnings = native_pixels.complete(file, file.pixel_data)
        warnings += native_warnings
    elements.set_value(dataset, "NumberOfFrames", 1)
    return FirstFrame(frame, (*_frame_warnings(count), *warnings))


def _keep_valid_integers(dataset: pydicom.Dataset) -> None:
    """Reduce each integer to the first value in its range; without one it is removed, so that it counts as missing."""
    for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored"):
        elements.keep_integer(dataset, keyword, minimum=1)
    elements.keep_integer(dataset, "HighBit", minimum=0)
    elements.keep_integer(dataset, "PlanarConfiguration", minimum=0, maximum=1)
    elements.keep_integer(dataset, "PixelRepresentation", minimum=0, maximum=1)
    elements.keep_integer(dataset, "NumberOfFrames", minimum=1, maximum=_MAX_FRAMES)


def _frame_warnings(count: int) -> list[str]:
    return [message("The file contains {count} images; only the first was used.", count=count)] if count > 1 else []


def is_compressed(file: ParsedFile) -> bool:
    """True if the pixel data are compressed frames, whatever the transfer syntax says."""
    value = file.pixel_data
    if file.has_undefined_length and encapsulation.is_encapsulated(value, file.encoding):
        return True
    has_codestream = encapsulation.is_encapsulated(value, file.encoding) or codestreams.starts_codestream(value[:64])
    is_whole = native_pixels.is_whole(file.dataset, len(value))
    return (has_codestream or file.syntax in decoder_worker.DECODERS) and not is_whole


def _compressed_syntax(declared: str, codestream: Codestream | None) -> UID:
    """The declared transfer syntax if the codestream may have it or is unknown, else that of the codestream."""
    syntax = UID(declared, validation_mode=pydicom.config.IGNORE)
    if codestream is None or not codestream.syntaxes:
        if syntax in UNCOMPRESSED or not syntax:
            raise UnreadableImage(
                message("The DICOM image is damaged: its compressed data begin with no known header.")
            )
        return syntax
    is_replaceable = syntax in UNCOMPRESSED or syntax in decoder_worker.DECODERS or syntax in _RETIRED_JPEG
    if syntax in codestream.syntaxes or not (is_replaceable or not syntax.is_transfer_syntax or syntax.is_private):
        return syntax
    return codestream.syntaxes[0]


def _uncompressed_syntax(file: ParsedFile) -> UID:
    if not file.encoding.is_little_endian:
        return ExplicitVRBigEndian
    return ImplicitVRLittleEndian if file.encoding.is_implicit else ExplicitVRLittleEndian
