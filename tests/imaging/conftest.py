from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from PIL import Image

from pneumonia.imaging.process_hardening import harden_process


@pytest.fixture
def harden(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`harden()` gives this process the settings of a service until the end of the test.

    It is called in the test, since pytest restores the warning filters between the fixtures and the test.
    """
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    monkeypatch.setattr(logging.getLogger("pydicom"), "propagate", True)
    return harden_process
