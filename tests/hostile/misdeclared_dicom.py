"""DICOM files whose header does not match their content."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.support.dicom_files import UNCOMPRESSED, dicom

from .decompression_bombs import before_the_pixels, implicit
from .films import FRAMES, compressed, deep, frame, grey

SIZES = (0, 1, 63, 64, 100, 159, 161, 168, 9_000, 65_535)
HEADERS: list[dict[str, Any]] = [
    *({"Rows": rows} for rows in SIZES),
    *({"Columns": columns} for columns in SIZES),
    *({"Rows": rows, "Columns": columns} for rows in SIZES for columns in SIZES),
    *({"BitsAllocated": bits} for bits in (0, 1, 7, 12, 24, 32, 64, 65_535)),
    *({"BitsStored": bits} for bits in (0, 1, 7, 17, 40, 65_535)),
    *({"HighBit": bit} for bit in (0, 3, 15, 64, 65_535)),
    *({"PixelRepresentation": value} for value in (1, 2, 65_535)),
    *({"SamplesPerPixel": samples} for samples in (0, 2, 3, 4, 65_535)),
    *({"NumberOfFrames": frames} for frames in (0, -1, 2, 3, 2**31 - 1, 10**30)),
    *({"PlanarConfiguration": value, "SamplesPerPixel": 3} for value in (0, 1, 2)),
    *({"Modality": word} for word in ("CT", "SR", "", "X" * 60, "\u2603")),
    *({"PatientAge": word} for word in ("", "Y", "999Y", "-01Y", "00AY", "018M")),
    *({"RescaleSlope": slope, "RescaleIntercept": 1} for slope in (0, -1, "1e300", "-1e-300", "NaN")),
    *({"WindowCenter": 9, "WindowWidth": width} for width in (0, -1, 1, "1e300", "inf")),
    *({"WindowCenter": [9, 8, 7], "WindowWidth": widths} for widths in ([1], [1, 2, 3], [0, 0, 0])),
    *({"VOILUTFunction": word, "WindowCenter": 9, "WindowWidth": 3} for word in ("SIGMOID", "LINEAR_EXACT", "NO")),
    {"PixelData": b""},
    {"PixelData": b"\0\0"},
    {"PixelData": None},
    {"Rows": None},
    {"BitsStored": None},
    {"PhotometricInterpretation": None},
]
PHOTOMETRICS = ("MONOCHROME1", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "PALETTE COLOR", "HSV", "CMYK", "")


def misdeclared() -> Iterator[tuple[str, bytes]]:
    """(name, content): each wrong header in every encoding of the film, and wrong structures."""
    for number, header in enumerate([*HEADERS, *({"PhotometricInterpretation": word} for word in PHOTOMETRICS)]):
        for syntax in UNCOMPRESSED:
            yield from _writable(f"header {number}, {syntax.name}", partial(_film, syntax), header)
        for name in FRAMES if "PixelData" not in header else ():
            yield from _writable(f"header {number}, {name}", partial(compressed, name), header)
    for name in FRAMES:
        yield from ((f"{other} under the name of {name}", compressed(name, frame(other))) for other in FRAMES)
        yield f"{name} of two zero bytes", compressed(name, b"\0\0")
    yield from _structures()


def _film(syntax: UID, **header: Any) -> bytes:
    return dicom(deep(), syntax=syntax, **{"BitsStored": 12, **header})


def _writable(name: str, write: Callable[..., bytes], header: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The file with the wrong header, if pydicom can write it."""
    with warnings.catch_warnings(), suppress(ValueError, TypeError, OverflowError, AttributeError, struct.error):
        warnings.simplefilter("ignore")
        yield name, write(**header)


def _structures() -> Iterator[tuple[str, bytes]]:
    bare, plain = dicom(grey(), preamble=False), dicom(grey(), syntax=ImplicitVRLittleEndian)
    yield "no preamble", bare
    yield "no preamble, implicit", dicom(grey(), syntax=ImplicitVRLittleEndian, preamble=False)
    yield "a preamble of a program", b"MZ".ljust(128, b"\x90") + dicom(grey())[128:]
    yield "only a preamble", bytes(128) + b"DICM"
    for length in (1, 7, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF):
        for group, element in (
            (0x8, 0x60),
            (0x10, 0x10),
            (0x28, 0x10),
            (0x28, 0x3010),
            (0x9, 0x1001),
            (0xFFFE, 0xE000),
        ):
            yield f"length {length:x} at {group:x}", before_the_pixels(plain, implicit(group, element, b"1 ", length))
    for size in (0, 2, 4, 2_000, 70_000):
        words = np.arange(size // 2, dtype=np.uint16).tobytes()
        table = implicit(0x28, 0x3002, struct.pack("<3H", size // 2 & 0xFFFF, 0, 16)) + implicit(0x28, 0x3006, words)
        for sequence in (0x3000, 0x3010):
            items = implicit(0xFFFE, 0xE000, table)
            yield f"table of {size} bytes", before_the_pixels(plain, implicit(0x28, sequence, items))
    for name in ("MRN-4711", "1.2.840.10008.1.2.4.100", "1.2.3", "", "x" * 64):
        data = dicom(grey(), syntax=ExplicitVRLittleEndian)
        at = data.index(ExplicitVRLittleEndian.encode())
        yield f"syntax {name}", data[:at] + name.encode().ljust(20, b"\0")[:20] + data[at + 20 :]
