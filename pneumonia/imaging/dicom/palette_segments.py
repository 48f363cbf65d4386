"""Segmented palettes: lookup tables stored as segments (DICOM PS3.3, C.7.9.2), expanded with a limit.

pydicom expands them without a limit: 12 KB become gigabytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from ...errors import UnreadableImage
from ...messages import message
from . import elements

MAX_ENTRIES = 65_536
"""Entries of one table; more cannot be addressed by samples of 16 bits."""

_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
Entries = npt.NDArray[np.uint16]


def expand_palettes(dataset: pydicom.Dataset) -> None:
    """Set the tables whose segments are in the data set. Raises `UnreadableImage` if they are damaged or too long."""
    for colour in ("Red", "Green", "Blue"):
        keyword = f"{colour}PaletteColorLookupTable"
        raw = dataset.get_item(f"Segmented{keyword}Data")
        tag = tag_for_keyword(f"{keyword}Data")
        if isinstance(raw, RawDataElement) and raw.value and tag is not None:
            bits = (elements.numbers(dataset, f"{keyword}Descriptor") or [None])[-1]
            table = _expand_bytes(raw.value, raw.is_little_endian, is_byte=bits == 8)
            dataset[Tag(tag)] = raw._replace(tag=Tag(tag), VR="OW", value=table, length=len(table))


def _expand_bytes(value: bytes, is_little_endian: bool, *, is_byte: bool) -> bytes:
    words = np.frombuffer(value[: len(value) // 2 * 2], "<u2" if is_little_endian else ">u2").astype(np.uint16)
    order = "<u2" if is_little_endian else ">u2"
    if not is_byte:
        return expand(words, entry_bytes=2).astype(order).tobytes()
    entries = expand(words.astype("<u2").view(np.uint8).astype(np.uint16), entry_bytes=1).astype(np.uint8)
    return np.append(entries, entries[-1:])[: len(entries) + len(entries) % 2].view("<u2").astype(order).tobytes()


def expand(codes: npt.NDArray[Any], entry_bytes: int) -> Entries:
    """The entries of a table whose segments are `codes`, of one or two bytes each. Raises `UnreadableImage`."""
    expansion = _Expansion(codes, entry_bytes)
    position = 0
    while position + 1 < len(codes):
        position = expansion.add_segment(position, is_nested=False)
    if not expansion.parts:
        raise _damaged()
    return np.concatenate(expansion.parts).astype(np.uint16)


class _Expansion:
    """The entries of the segments that were read so far."""

    def __init__(self, codes: npt.NDArray[Any], entry_bytes: int) -> None:
        self._codes, self._entry_bytes = codes, entry_bytes
        self.parts: list[npt.NDArray[Any]] = []
        self._length = self._segments = 0

    def add_segment(self, position: int, *, is_nested: bool) -> int:
        """Append the entries of the segment at this position; returns the position after it."""
        self._segments += 1
        if position + 2 >= len(self._codes) or self._segments > MAX_ENTRIES:
            raise _damaged()
        kind, length = int(self._codes[position]), int(self._codes[position + 1])
        position += 2
        if kind == _DISCRETE:
            self._append(self._codes[position : position + length])
            return position + length
        if kind == _LINEAR and self.parts:
            last, target = float(self.parts[-1][-1]), float(self._codes[position])
            self._append(np.rint(last + (target - last) * np.arange(1, length + 1) / max(1, length)))
            return position + 1
        if kind == _INDIRECT and not is_nested and self.parts:
            return self._repeat(position, length)
        raise _damaged()

    def _repeat(self, position: int, segments: int) -> int:
        """Append segments from an earlier position again; its offset in bytes has 32 bits, the low ones first."""
        size = 4 // self._entry_bytes
        parts = self._codes[position : position + size]
        offset = sum(int(part) << (8 * self._entry_bytes * number) for number, part in enumerate(parts))
        start = offset // self._entry_bytes
        for _ in range(segments):
            start = self.add_segment(start, is_nested=True)
        return position + size

    def _append(self, entries: npt.NDArray[Any]) -> None:
        self._length += len(entries)
        if self._length > MAX_ENTRIES:
            text = message(
                "The palette of the DICOM image is too long. Allowed: {max_entries:,} entries.", max_entries=MAX_ENTRIES
            )
            raise UnreadableImage(text) from None
        if len(entries):
            self.parts.append(entries)


def _damaged() -> UnreadableImage:
    return UnreadableImage(message("The DICOM image is damaged: its palette cannot be expanded."))
