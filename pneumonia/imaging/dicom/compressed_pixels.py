"""Completes the description of the pixels from the header of a compressed frame."""

from __future__ import annotations

import pydicom
from pydicom.uid import JPEGBaseline8Bit, JPEGLosslessSV1, RLELossless

from ...errors import UnreadableImage
from ...messages import message
from . import codestreams, colour_layout, elements, photometric
from .codestreams import Codestream


def complete(dataset: pydicom.Dataset, codestream: Codestream | None) -> list[str]:
    """Set missing and impossible elements to what the frame states; returns warnings."""
    if codestream is None:
        return photometric.complete(dataset, elements.integer(dataset, "SamplesPerPixel", 1), "RGB")
    is_rle = RLELossless in codestream.syntaxes
    elements.set_missing(dataset, "Rows", codestream.rows)
    elements.set_missing(dataset, "Columns", codestream.columns)
    elements.set_missing(dataset, "SamplesPerPixel", codestream.samples)
    if "Rows" not in dataset or "Columns" not in dataset:
        raise UnreadableImage(message("The DICOM header lacks the size of the image (Rows, Columns).")) from None
    allocated = 8 if codestream.bits <= 8 else 16
    if elements.integer(dataset, "BitsAllocated", 0) < codestream.bits or JPEGBaseline8Bit in codestream.syntaxes:
        elements.set_value(dataset, "BitsAllocated", codestream.bits if is_rle else allocated)
    if not 1 <= elements.integer(dataset, "BitsStored", 0) <= elements.integer(dataset, "BitsAllocated"):
        elements.set_value(dataset, "BitsStored", codestream.bits)
    elements.set_missing(dataset, "HighBit", elements.integer(dataset, "BitsStored") - 1)
    elements.set_missing(dataset, "PixelRepresentation", int(codestream.is_signed))
    # A codestream without losses has no reason to convert the colours; that of JPEG 2000 states it.
    is_ybr = JPEGBaseline8Bit in codestream.syntaxes and not codestream.is_rgb
    colour = "YBR_FULL_422" if is_ybr else "RGB"
    if not is_rle and codestream.samples in {1, 3}:
        elements.set_value(dataset, "SamplesPerPixel", codestream.samples)
    samples = elements.integer(dataset, "SamplesPerPixel")
    return colour_layout.correct_samples(dataset, samples, colour) + photometric.complete(dataset, samples, colour)


def decoder_bits(frame: bytes, stored: int, allocated: int) -> int:
    """BitsStored for the decoder: `stored`, or the bits of a frame in lossless JPEG or RLE that has more.

    The decoder removes all bits above BitsStored from these two, and not from other compressions. `byte_order` and
    `sample_bits.interpret_decoded` decide whether they belong to the values.
    """
    codestream = codestreams.read_header(frame)
    if codestream is None or not {JPEGLosslessSV1, RLELossless} & set(codestream.syntaxes):
        return stored
    return codestream.bits if stored < codestream.bits <= allocated else stored
