"""Frames with unusual JPEG headers are decoded, and all other bytes of them stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import JPEGLosslessSV1

from pneumonia.imaging import read
from pneumonia.imaging.dicom.jpeg_headers import corrected
from tests.support import codestreams
from tests.support.dicom_files import encapsulated

FILM = np.random.default_rng(0).integers(0, 4096, (72, 80)).astype(np.uint16)
FRAME = codestreams.jpeg_lossless(FILM, 12)
SPECTRAL_END = FRAME.index(b"\xff\xda") + 8


def with_scan_header(end: int, successive: int) -> bytes:
    """The frame with another end of its spectral selection, and another last byte of the scan header."""
    return FRAME[:SPECTRAL_END] + bytes([end, successive]) + FRAME[SPECTRAL_END + 2 :]


@pytest.mark.parametrize(("end", "successive"), [(63, 0), (0, 0x10), (63, 0x10)])
def test_a_lossless_frame_with_numbers_of_other_processes_is_decoded(end: int, successive: int) -> None:
    """Reported as https://github.com/malaterre/GDCM/pull/96."""
    frame = with_scan_header(end, successive)
    np.testing.assert_array_equal(read(encapsulated(FILM, JPEGLosslessSV1, frame, BitsStored=12)).pixels, FILM)
    np.testing.assert_array_equal(read(frame).pixels, FILM)  # a file, not a frame


def test_the_point_transform_of_a_lossless_frame_is_kept() -> None:
    assert corrected(with_scan_header(63, 0x11)) == with_scan_header(0, 0x01)


@pytest.mark.parametrize(
    "frame",
    [FRAME, codestreams.jpeg(FILM >> 4), b"", b"\xff\xd8", FRAME[:30], FRAME[:SPECTRAL_END], b"\xff\xd8" + bytes(40)],
    ids=["lossless", "baseline", "empty", "start", "cut in a table", "cut in the scan header", "zeros"],
)
def test_valid_and_damaged_frames_stay_as_they_are(frame: bytes) -> None:
    assert corrected(frame) == frame
