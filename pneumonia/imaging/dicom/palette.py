"""PALETTE COLOR: samples that are indices into three lookup tables (DICOM PS3.3 C.7.6.3.1.5)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom

from ...errors import UnreadableImage
from ...messages import message
from ..intensity import row_slices, sample_pixels
from .lookup_table import LookupTable, read_table
from .palette_segments import expand_palettes


def apply(dataset: pydicom.Dataset, indices: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Look up `[H, W]` in the palette: `[H, W, 3]`. Raises `UnreadableImage` if the palette is missing or damaged."""
    expand_palettes(dataset)
    sample = sample_pixels(indices)
    tables = [read_table(dataset, f"{colour}PaletteColorLookupTable", sample) for colour in ("Red", "Green", "Blue")]
    complete = [table for table in tables if table is not None]
    if len(complete) < len(tables):
        raise UnreadableImage(message("The DICOM image is damaged: its palette is missing or incomplete.")) from None
    # One scale for the three colours: the entries of one may be small because the colour is.
    white = max(table.white for table in complete)
    colours = np.empty((*indices.shape, 3), np.uint8)
    for rows in row_slices(*indices.shape):
        for channel, table in enumerate(complete):
            colours[rows, :, channel] = _to_bytes(table, indices[rows], white)
    return colours


def _to_bytes(table: LookupTable, indices: npt.NDArray[Any], white: float) -> npt.NDArray[np.uint8]:
    outputs = table(indices)
    return (outputs // 256 if white == 65535 else np.rint(outputs * (255 / white))).astype(np.uint8)
