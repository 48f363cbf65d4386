"""Fast decoder of one kind of JPEG frame: grey films in JPEG Lossless with Selection Value 1 (ITU-T T.81, process 14).

libjpeg-turbo 3 takes a third of the time of GDCM, but it hides damage: where the compressed data are invalid, it warns
on a channel that imagecodecs discards, and returns invented samples. Therefore the bits of the decoded samples are
counted and compared with the bits in the frame, and the last samples are encoded again. Any other frame, and one whose
bits do not agree, is left to GDCM.

Runs in the decoder process. imagecodecs belongs to the extra `hospital`; without it, GDCM decodes all frames.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]

_START, _SOF3, _DHT, _SOS, _DRI = 0xD8, 0xC3, 0xC4, 0xDA, 0xDD
_WITHOUT_EFFECT = {*range(0xE0, 0xF0), 0xFE}
"""Application segments and comments."""

_END_MARKER = b"\xff\xd9"
_MAX_SEGMENTS = 1_000
_CATEGORIES = 17
"""Sizes of a difference in bits, 0 to 16 (T.81, table H.2)."""

_FRAME_OF_ONE_COMPONENT, _SCAN_OF_ONE_COMPONENT = 9, 6
"""Bytes of the content of the two headers."""

_LAST_BITS, _LAST_BYTES = 64, 24
"""Bits at the end of the data that are compared with the encoded last samples, and bytes in which they are contained,
with their padding and zero bytes. Where the decoder lacked data, it invented the last samples."""

_SLICE_PIXELS = 250_000
"""Pixels whose differences are counted at a time, so that they stay in the cache of the processor."""


class Scan(NamedTuple):
    """The only scan of a frame: its size, bits of a sample, code of each category, and where its data are."""

    rows: int
    columns: int
    precision: int
    codes: dict[int, str]
    start: int
    end: int


def decode(codestream: bytes, layout: dict[str, Any]) -> Samples | None:
    """The samples `[H, W]` of a frame, as pydicom and GDCM decode them; None if that is not certain.

    `layout` has pydicom's option names (rows, bits_stored ...). Raises nothing.
    """
    scan = read_header(codestream)
    if scan is None or not _matches(scan, layout):
        return None
    try:
        import imagecodecs

        samples: Samples = imagecodecs.jpeg8_decode(codestream)
    except (ImportError, MemoryError, RuntimeError, ValueError):
        return None
    if samples.shape != (scan.rows, scan.columns) or samples.dtype not in (np.uint8, np.uint16):
        return None
    if not _is_complete(codestream, scan, samples):
        return None
    return _as_stored(samples, layout)


def read_header(codestream: bytes) -> Scan | None:
    """The scan of a frame that `decode` can decode; None for any other, such as one with restart markers."""
    try:
        return _read_segments(codestream)
    except (struct.error, IndexError):
        return None


def _read_segments(codestream: bytes) -> Scan | None:
    frame, tables = None, dict[int, dict[int, str]]()
    if codestream[:2] != bytes([0xFF, _START]):
        return None
    position = 2
    for _ in range(_MAX_SEGMENTS):
        prefix, marker, length = struct.unpack_from(">BBH", codestream, position)
        content = codestream[position + 4 : position + 2 + length]
        position += 2 + length
        if prefix != 0xFF or length < 2:
            return None
        if marker == _SOF3 and frame is None and len(content) == _FRAME_OF_ONE_COMPONENT and content[5] == 1:
            frame = struct.unpack_from(">BHH", content)
        elif marker == _DHT:
            tables |= _huffman_tables(content)
        elif marker == _SOS and frame is not None:
            return _read_scan(codestream, content, position, frame, tables)
        elif marker not in _WITHOUT_EFFECT and not (marker == _DRI and not any(content)):
            return None
    return None


def _read_scan(
    codestream: bytes, content: bytes, start: int, frame: tuple[int, ...], tables: dict[int, dict[int, str]]
) -> Scan | None:
    """The scan with the header `content` whose data begin at `start`."""
    precision, rows, columns = frame
    end = codestream.rfind(_END_MARKER)
    while end > start and codestream[end - 1] == 0xFF:  # fill bytes of the marker (T.81, B.1.1.2); DCMTK writes them
        end -= 1
    if len(content) != _SCAN_OF_ONE_COMPONENT or content[0] != 1 or end < start:
        return None
    table, selection_value, point_transform = tables.get(content[2] >> 4), content[3], content[5]
    if table is None or selection_value != 1 or point_transform != 0 or not _is_compact(table):
        return None
    return Scan(rows, columns, precision, table, start, end)


def _huffman_tables(content: bytes) -> dict[int, dict[int, str]]:
    """Number of each table -> category -> its code as binary digits (T.81, B.2.4.2 and annex C)."""
    tables, position = {}, 0
    while position < len(content):
        number, counts = content[position], content[position + 1 : position + 17]
        symbols = iter(content[position + 17 : position + 17 + sum(counts)])
        codes, code = {}, 0
        for bits, count in enumerate(counts, 1):
            for _ in range(count):
                codes[next(symbols, _CATEGORIES)] = f"{code:0{bits}b}"
                code += 1
            code <<= 1
        tables[number] = codes
        position += 17 + sum(counts)
    return tables


def _is_compact(codes: dict[int, str]) -> bool:
    """Whether every bit pattern is a code, except for the ones that T.81 reserves (annex K.2).

    Invalid codes, which the decoder takes for differences of 0, can then hardly occur together with missing bits of the
    same number, which would hide both.
    """
    unused = 1 - sum(0.5 ** len(code) for code in codes.values())
    return 0 <= unused <= 0.5 ** max(map(len, codes.values()), default=0)


def _matches(scan: Scan, layout: dict[str, Any]) -> bool:
    """Whether the DICOM header describes the samples of the scan, in containers that hold them."""
    allocated = layout["bits_allocated"]
    return bool(
        (scan.rows, scan.columns) == (layout["rows"], layout["columns"])
        and layout["samples_per_pixel"] == 1
        and allocated in (8, 16)
        and 2 <= scan.precision <= allocated
        and 1 <= layout["bits_stored"] <= allocated
    )


def _is_complete(codestream: bytes, scan: Scan, samples: Samples) -> bool:
    """Whether the frame has the bits of the decoded samples, and up to 7 bits of padding."""
    data = np.frombuffer(codestream, np.uint8, scan.end - scan.start, scan.start)
    escapes = np.flatnonzero(data == 0xFF)
    if len(escapes) and (escapes[-1] + 1 == len(data) or data[escapes + 1].any()):
        return False  # a marker inside of the scan; an 0xFF byte of the data is followed by a zero byte
    padding = 8 * (len(data) - len(escapes)) - _count_bits(scan, samples)
    return 0 <= padding < 8 and _ends_with(data[-_LAST_BYTES:].tobytes(), padding, scan, samples)


def _ends_with(data: bytes, padding: int, scan: Scan, samples: Samples) -> bool:
    """Whether the data before the padding end with the codes of the last samples."""
    digits = "".join(f"{byte:08b}" for byte in data.replace(b"\xff\0", b"\xff"))
    digits = digits[: len(digits) - padding]
    differences = np.diff(samples[-1, -_LAST_BITS - 1 :].astype(np.uint16)).view(np.int16)
    encoded = "".join(_encode(int(difference), scan.codes) for difference in differences)
    compared = min(_LAST_BITS, len(encoded), len(digits))
    return compared == 0 or digits[-compared:] == encoded[-compared:]


def _encode(difference: int, codes: dict[int, str]) -> str:
    """The code of a difference and its value as binary digits (T.81, H.1.2.2)."""
    category = abs(difference).bit_length()
    code = codes.get(category, "")
    if category in (0, 16):  # nothing to add: the only difference of 16 bits is -32768
        return code
    value = difference if difference > 0 else difference + (1 << category) - 1
    return code + f"{value:0{category}b}"


def _count_bits(scan: Scan, samples: Samples) -> int:
    """The bits that a scan of these samples has: of each pixel, code and difference to its prediction.

    Selection Value 1 predicts the left neighbour; in the first column the one above; the first pixel is predicted as
    half of the scale (T.81, H.1.2.1). Differences are modulo 2**16.
    """
    bits = _bits_of_differences(scan.codes)
    height, width = samples.shape
    step = max(1, _SLICE_PIXELS // max(1, width))
    total, above = 0, np.uint16(2 ** (scan.precision - 1))
    for start in range(0, height, step):
        rows = samples[start : start + step].astype(np.uint16, copy=False)
        differences = np.empty_like(rows)
        np.subtract(rows[:, 1:], rows[:, :-1], out=differences[:, 1:])
        np.subtract(rows[1:, 0], rows[:-1, 0], out=differences[1:, 0])
        differences[0, 0] = int(rows[0, 0]) - int(above) & 0xFFFF
        total += int(np.take(bits, differences).sum(dtype=np.int64))
        above = rows[-1, 0]
    return total


def _bits_of_differences(codes: dict[int, str]) -> npt.NDArray[np.uint8]:
    """Bits of each of the 65,536 differences; 255, more than any, for a category without a code."""
    magnitudes = np.abs(np.arange(2**16, dtype=np.uint16).view(np.int16).astype(np.int32))
    categories = np.frexp(magnitudes.astype(np.float64))[1]
    lengths = np.array([len(codes[category]) if category in codes else 255 for category in range(_CATEGORIES)])
    extra = np.where(np.arange(_CATEGORIES) == 16, 0, np.arange(_CATEGORIES))  # the only one of 16 bits has no more
    bits: npt.NDArray[np.uint8] = np.minimum(lengths + extra, 255).astype(np.uint8)[categories]
    return bits


def _as_stored(samples: Samples, layout: dict[str, Any]) -> Samples:
    """The samples in the type of the DICOM header, without bits above BitsStored, as pydicom returns them."""
    allocated = layout["bits_allocated"]
    kind, unused = "i" if layout["pixel_representation"] else "u", allocated - layout["bits_stored"]
    values = samples.astype(f"<u{allocated // 8}", copy=False).view(f"<{kind}{allocated // 8}")
    if unused and (kind == "i" or int(values.max(initial=0)) >> layout["bits_stored"]):
        values = (values << unused) >> unused
    return values
