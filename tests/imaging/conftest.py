from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia.imaging.process_hardening import harden_process


@pytest.fixture
def harden(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`harden()` gives this process the settings of a service until the end of the test.

    It is called in the test, since pytest restores the warning filters between the fixtures and the test.
    """
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    for library in ("pydicom", "highdicom"):
        monkeypatch.setattr(logging.getLogger(library), "propagate", True)
    return harden_process


@pytest.fixture(scope="session")
def full_range_film(large_film: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """`large_film` with all levels from 0 to 255, so that mapping its range to black and white does not change it."""
    low, high = int(large_film.min()), int(large_film.max())
    return np.rint((large_film.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)
