"""Lookup tables of the Modality LUT and VOI LUT Sequences, including tables that contradict their descriptor.

LUTDescriptor has three values: number of entries (0 means 65,536), first input value that is mapped, and bits of an
entry. See DICOM PS3.3 C.11.1.1 and C.11.2.1. Vendors write 8-bit entries packed or in words, more or fewer entries
than declared, a negative first value as unsigned, and the bits of the word instead of those of the entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from ...errors import UnreadableImage
from ..decoding import translate_decoder_errors
from ..intensity import DEPTHS
from . import elements

MAX_TABLES = 10
"""Number of items of a sequence that are read."""

MIN_COVERED_SHARE, MIN_LEVELS = 0.25, 16
"""Minimum share of the inputs that a usable table covers, and minimum number of output levels."""

_MAX_BYTE_DIFFERENCE = 8
"""Mean difference between the two bytes of a word if it holds two neighbouring 8-bit entries. The low byte of a 16-bit
entry does not depend on its high byte; their mean difference is 85."""

_MAX_STEP_SHARE = 1 / 4
"""Entries after the declared ones continue the table if their first one differs by less than this share of its range;
else they are padding."""


@dataclass(frozen=True)
class LookupTable:
    """`entries[n]` is the output for the input `first + n`; inputs outside get the first or last entry.

    `white` is the largest output that the entries can have by their real depth.
    """

    first: int
    entries: npt.NDArray[np.uint16]
    white: float

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Look up `values` of any shape; fractions are rounded."""
        index = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1).astype(np.int32)
        outputs: npt.NDArray[np.float64] = self.entries[index].astype(np.float64)
        return outputs

    def to_unit_range(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Look up `values`; black is 0 and white is 1."""
        return np.minimum(self(values) / self.white, 1)

    def shows(self, inputs: npt.NDArray[Any]) -> bool:
        """True unless most of the `inputs` are outside the table or get nearly the same output."""
        is_covered = (inputs >= self.first) & (inputs < self.first + len(self.entries))
        levels = len(np.unique(self(inputs)))
        return bool(np.mean(is_covered) >= MIN_COVERED_SHARE) and levels >= min(MIN_LEVELS, len(np.unique(inputs)))


def read_tables(dataset: pydicom.Dataset, keyword: str, inputs: npt.NDArray[Any]) -> Iterator[LookupTable]:
    """The usable tables of the sequence `keyword`, in order; `inputs` is a sample of the values to be looked up.

    Items that are empty or damaged, or that would hide the film, are left out.
    """
    for item in items(dataset, keyword)[:MAX_TABLES]:
        table = read_table(item, "LUT", inputs)
        if table is not None and table.shows(inputs):
            yield table


def read_table(item: pydicom.Dataset, prefix: str, inputs: npt.NDArray[Any]) -> LookupTable | None:
    """The table in the elements `prefix` + Descriptor and `prefix` + Data; None if one is missing or damaged."""
    descriptor, words = _words(item, f"{prefix}Descriptor"), _words(item, f"{prefix}Data")
    if descriptor is None or words is None or len(descriptor) != 3 or len(words) == 0:
        return None
    count, first, bits = (int(value) for value in descriptor)
    entries = _entries(words, count or 2**16, bits)
    return LookupTable(_first_value(first, len(entries), inputs), entries, _white(entries, bits))


def items(dataset: pydicom.Dataset, keyword: str) -> list[pydicom.Dataset]:
    """The items of a sequence; empty if it is missing or damaged."""
    try:
        with translate_decoder_errors(elements.SUBJECT):
            sequence = dataset.get(keyword)
            return list(sequence) if isinstance(sequence, pydicom.Sequence) else []
    except UnreadableImage:
        return []


def _words(item: pydicom.Dataset, keyword: str) -> npt.NDArray[np.uint16] | None:
    """The value of an element as unsigned words, whatever its VR; None if it is missing, empty or damaged."""
    try:
        raw = elements.raw_element(item, Tag(keyword))
        if isinstance(raw, RawDataElement):
            value = raw.value or b""
            return np.frombuffer(value + b"\0" * (len(value) % 2), "<u2" if raw.is_little_endian else ">u2")
        with translate_decoder_errors(elements.SUBJECT):
            return (np.atleast_1d(np.asarray(item.get(keyword, []), np.int64)) & 0xFFFF).astype(np.uint16)
    except UnreadableImage:
        return None


def _entries(words: npt.NDArray[np.uint16], count: int, bits: int) -> npt.NDArray[np.uint16]:
    entries = words.astype(np.uint16)
    if len(words) < count and _is_packed(words, count, bits):
        # The first entry is in the low byte, in files of either byte order.
        entries = np.frombuffer(words.astype("<u2").tobytes(), np.uint8).astype(np.uint16)
    if len(entries) > count and not _continues(entries, count):
        return entries[:count]
    return entries


def _is_packed(words: npt.NDArray[np.uint16], count: int, bits: int) -> bool:
    """True if each word holds two entries of 8 bits."""
    high, low = (words >> 8).astype(np.int32), (words & 0xFF).astype(np.int32)
    if not high.any():
        return False
    has_length = len(words) == (count + 1) // 2
    is_smooth = float(np.abs(high - low).mean()) <= _MAX_BYTE_DIFFERENCE
    return (has_length and bits <= 8) or (is_smooth and (has_length or bits <= 8))


def _continues(entries: npt.NDArray[np.uint16], count: int) -> bool:
    step = abs(int(entries[count]) - int(entries[count - 1]))
    declared = entries[:count]
    return bool(entries[count:].any()) and step < _MAX_STEP_SHARE * (int(declared.max()) - int(declared.min()))


def _first_value(declared: int, count: int, inputs: npt.NDArray[Any]) -> int:
    """The first input value, which may be signed, whatever its VR: the one whose table covers more of the inputs."""
    candidates = (declared, declared - 2**16)
    if declared >= 2**15 and inputs.min() < 0:
        candidates = (declared - 2**16, declared)
    covered = [int(np.count_nonzero((inputs >= first) & (inputs < first + count))) for first in candidates]
    return candidates[int(np.argmax(covered))]


def _white(entries: npt.NDArray[np.uint16], bits: int) -> float:
    """Full scale by the declared bits, unless the entries exceed it or use less than a quarter of it."""
    largest = int(entries.max())
    if 8 <= bits <= 16 and 2 ** (bits - 2) <= largest < 2**bits:
        return float(2**bits - 1)
    return float(next(2**depth - 1 for depth in DEPTHS if largest < 2**depth))
