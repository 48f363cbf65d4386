"""A film that was cut short and closed with an end marker is damaged; one that is dark at its end is complete."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.uid import UID, JPEGBaseline8Bit

from pneumonia.errors import UnreadableImage
from pneumonia.imaging import read
from tests.support.codestreams import LOSSLESS, LOSSY, jpeg
from tests.support.dicom_files import CHILD, encapsulated

Encoder = Callable[[npt.NDArray[Any], int], bytes]

ENCODERS: dict[str, tuple[UID, int, Encoder]] = {
    **{name: (syntax, 12, encode) for name, (syntax, encode) in LOSSLESS.items() if "RLE" not in name},
    **LOSSY,
    "JPEG baseline, restart markers": (
        JPEGBaseline8Bit,
        8,
        lambda samples, bits: partial(jpeg, restart_marker_rows=1)(samples),
    ),
}
every_encoder = pytest.mark.parametrize("name", ENCODERS)


def film(bits: int, dark_rows: int) -> npt.NDArray[Any]:
    samples = np.random.default_rng(3).integers(2 ** (bits - 2), 2 ** (bits - 1), (136, 96))
    samples[136 - dark_rows :] = 0
    return samples.astype(np.uint8 if bits == 8 else np.uint16)


def encoded(name: str, dark_rows: int = 0, share: float = 1) -> bytes:
    syntax, bits, encode = ENCODERS[name]
    samples = film(bits, dark_rows)
    frame = encode(samples, bits)
    if share < 1:
        frame = frame[: int(len(frame) * share)] + b"\xff\xd9"
    return encapsulated(samples, syntax, frame, BitsStored=bits, **CHILD)


@every_encoder
@pytest.mark.parametrize("share", [0.6, 0.9])
def test_a_film_that_was_cut_short_and_closed_is_damaged(name: str, share: float) -> None:
    with pytest.raises(UnreadableImage):
        read(encoded(name, share=share))


@every_encoder
@pytest.mark.parametrize("dark_rows", [1, 40])
def test_a_film_with_a_dark_end_is_complete(name: str, dark_rows: int) -> None:
    assert read(encoded(name, dark_rows)).pixels[-1].mean() < read(encoded(name)).pixels.mean() / 2
