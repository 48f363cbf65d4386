"""The endpoints' handlers, called without a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pneumonia import Predictor
from pneumonia.imaging import INVERTED_WARNING
from pneumonia.inference.bundle import Bundle
from pneumonia.inference.model import Model
from pneumonia.web import handlers
from tests.support.forced_points import ALWAYS_PNEUMONIA

Grey = npt.NDArray[np.uint8]


def test_the_overlay_of_an_inverted_film_shows_the_corrected_one(
    predictor: Predictor, large_film: Grey, encode: Callable[..., bytes]
) -> None:
    points = {"balanced": ALWAYS_PNEUMONIA}
    bundle: Bundle = replace(predictor.models[0].bundle, operating_points=points)
    overlays: list[Any] = []
    for film in (large_film, 255 - large_film):
        headline, _, overlay, _ = handlers.analyze_source(Predictor([Model(bundle, 1)]), encode(film, "PNG"))
        assert (INVERTED_WARNING in headline) is (len(overlays) == 1)
        overlays.append(np.asarray(overlay))
    assert overlays[0].ndim == 3
    np.testing.assert_array_equal(*overlays)
