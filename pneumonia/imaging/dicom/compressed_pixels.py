"""Completes the description of the pixels from the header of a compressed frame."""

from __future__ import annotations

import pydicom
from pydicom.uid import JPEG2000, JPEGBaseline8Bit, RLELossless

from ...errors import UnreadableImage
from ...messages import message
from . import elements, photometric
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
    is_rgb = codestream.is_rgb or is_rle or JPEG2000 in codestream.syntaxes
    return photometric.complete(
        dataset, elements.integer(dataset, "SamplesPerPixel"), "RGB" if is_rgb else "YBR_FULL_422"
    )
