"""The Evidence tab in Chromium."""

from __future__ import annotations

import pytest

from pneumonia import Predictor

from .visit import Visit

pytestmark = pytest.mark.browser


def test_the_matrix_follows_the_slider(visit: Visit, predictor: Predictor) -> None:
    run = predictor.models[0].bundle.served_run
    assert run is not None
    visit.open_evidence()
    curve = run["curves"]["thresholds"]
    positives = run["confusion"]["true_positive"] + run["confusion"]["false_negative"]
    for index in (0, 37, 100):
        visit.page.locator("#threshold").fill(str(index))
        assert visit.page.inner_text("[data-cell=true_positive]") == str(curve["true_positive"][index])
        assert visit.page.inner_text("[data-cell=false_positive]") == str(curve["false_positive"][index])
        assert (
            visit.page.inner_text("[data-cell=sensitivity]")
            == f"{100 * curve['true_positive'][index] / positives:.1f} %"
        )
    visit.page.get_by_role("button", name="confirm").first.click()
    expected = predictor.models[0].operating_points["confirm"].threshold
    assert abs(float(visit.page.inner_text("[data-cell=threshold]")) - expected) <= 0.005
    visit.save_screenshot("evidence")
