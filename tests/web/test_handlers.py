"""The handlers, called without a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pneumonia import Predictor
from pneumonia.bundle import Bundle
from pneumonia.decision import OperatingPoint
from pneumonia.imaging import INVERTED_NOTE
from pneumonia.web import handlers

Grey = npt.NDArray[np.uint8]
NEVER_NORMAL = OperatingPoint(low=0.0, threshold=0.0, high=0.0)


def test_the_preview_of_an_inverted_film_shows_it_corrected(
    predictor: Predictor, large_film: Grey, encode: Callable[..., bytes]
) -> None:
    upright, inverted = encode(large_film, "PNG"), encode(255 - large_film, "PNG")
    shown = handlers.preview(predictor, inverted)
    assert shown is not None
    np.testing.assert_array_equal(np.asarray(shown), np.asarray(handlers.preview(predictor, upright)))


def test_the_preview_of_a_refused_film_shows_it_as_it_is(
    predictor: Predictor, normal_film: Grey, encode: Callable[..., bytes]
) -> None:
    turned = np.ascontiguousarray(np.rot90(normal_film))
    np.testing.assert_array_equal(np.asarray(handlers.preview(predictor, encode(turned, "PNG"))), turned)


def test_there_is_no_preview_of_nothing_and_of_a_broken_file(predictor: Predictor) -> None:
    assert handlers.preview(predictor, None) is None
    assert handlers.preview(predictor, b"\x89PNG\r\n\x1a\n broken") is None


def test_the_overlay_of_an_inverted_film_lies_over_the_corrected_one(
    predictor: Predictor, large_film: Grey, encode: Callable[..., bytes]
) -> None:
    points = {"balanced": NEVER_NORMAL}
    bundle: Bundle = replace(predictor.bundle, operating_points=points)
    overlays: list[Any] = []
    for film in (large_film, 255 - large_film):
        headline, _, overlay, _ = handlers.analyze_source(Predictor(bundle, 1), encode(film, "PNG"))
        assert (INVERTED_NOTE in headline) is (len(overlays) == 1)
        overlays.append(np.asarray(overlay))
    assert overlays[0].ndim == 3
    np.testing.assert_array_equal(*overlays)
