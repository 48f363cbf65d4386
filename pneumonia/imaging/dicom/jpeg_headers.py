"""Headers of JPEG frames that decoders refuse or misread although the samples are whole (ITU-T T.81, annex B).

Runs in the decoder process.
"""

from __future__ import annotations

from collections.abc import Iterator

_START_OF_SCAN, _LOSSLESS = 0xDA, 0xC3
_BASELINE = {0xC0, 0xC1, 0xC2}
_FRAMES = {*_BASELINE, _LOSSLESS}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
_MAX_SEGMENTS = 1_000

_ADOBE = b"Adobe"
_ADOBE_SEGMENT = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"
"""States that the components are not transformed: RGB."""


def corrected(codestream: bytes) -> bytes:
    """The frame with headers that its decoder accepts; unchanged if they are valid, or damaged in another way.

    In lossless JPEG, the end of the spectral selection and the upper half of the last byte of a scan header are 0; some
    scanners write another number (GDCM refuses it: malaterre/GDCM#96). Components with the names R, G and B are colours
    without a segment of Adobe too; Pillow as pydicom calls it then fails.
    """
    segments = list(_segments(codestream))
    frame = next(((marker, start) for marker, start, _ in segments if marker in _FRAMES), None)
    if frame is None:
        return codestream
    marker, start = frame
    if marker == _LOSSLESS:
        return _with_valid_scans(codestream, segments)
    has_adobe = any(codestream[at + 4 : at + 9] == _ADOBE for number, at, _ in segments if number == 0xEE)
    is_rgb = codestream[start + 9] == 3 and codestream[start + 10 : start + 19 : 3] == b"RGB"
    return codestream[:2] + _ADOBE_SEGMENT + codestream[2:] if is_rgb and not has_adobe else codestream


def _with_valid_scans(codestream: bytes, segments: list[tuple[int, int, int]]) -> bytes:
    changed = bytearray(codestream)
    for marker, _, end in segments:
        if marker == _START_OF_SCAN:
            changed[end - 2] = 0
            changed[end - 1] &= 15  # the lower half is the point transform
    return bytes(changed) if changed != codestream else codestream


def _segments(codestream: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment up to the first scan header."""
    position = 2
    for _ in range(_MAX_SEGMENTS):
        if position + 4 > len(codestream) or codestream[position] != 0xFF:
            return
        marker = codestream[position + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + int.from_bytes(codestream[position + 2 : position + 4])
        if end > len(codestream) or end < position + 7:
            return
        yield marker, position, end
        if marker == _START_OF_SCAN:
            return
        position = end
