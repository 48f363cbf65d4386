"""What the gate measured of a refused film, and the class average beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Predictor
from pneumonia.inference.gate import Limits
from pneumonia.inference.gate_report import GateMeasure, gate_report, measure_film
from pneumonia.inference.gate_views import Features
from pneumonia.reporting import gate_wording
from tests.support.dicom_files import dicom

Grey = npt.NDArray[np.uint8]


def as_input(film: Grey) -> Grey:
    return np.repeat(film[:, :, None], 3, axis=2)


def test_the_report_agrees_with_the_gate(predictor: Predictor, normal_film: Grey) -> None:
    for model in predictor.models:
        for film in (normal_film, normal_film.T.copy(), normal_film[::-1].copy(), 255 - normal_film):
            report = measure_film(model, as_input(film))
            is_accepted = model.gate.assess(Features.of(as_input(film))).reason is None
            assert (report.main_measures == ()) is is_accepted
            assert {(measure.view, measure.name) for measure in report.measures} == {
                (view, name) for view, limits in model.gate.limits.items() for name in limits
            }


def test_the_measures_are_in_the_order_of_their_excess(predictor: Predictor, normal_film: Grey) -> None:
    report = measure_film(predictor.models[0], as_input(normal_film.T.copy()))
    exceeded = [measure for measure in report.measures if measure.is_exceeded]
    assert exceeded == list(report.measures[: len(exceeded)])
    assert [measure.excess for measure in exceeded] == sorted((m.excess for m in exceeded), reverse=True)
    assert report.main_measures == tuple(exceeded[:2])


@pytest.mark.parametrize(
    ("value", "limits", "excess", "is_exceeded"),
    [
        (1.0, Limits(1.0, 2.0), 0.0, False),
        (2.0, Limits(1.0, 2.0), 1.0, True),
        (0.5, Limits(1.0, 2.0), -0.5, False),
        (3.0, Limits(1.0), 1.0, True),  # a logarithm of odds without a far limit
    ],
)
def test_the_excess_is_one_at_the_far_limit(value: float, limits: Limits, excess: float, is_exceeded: bool) -> None:
    measure = GateMeasure("brightness", "residual", value, limits)
    assert (measure.excess, measure.is_exceeded) == (excess, is_exceeded)


def test_each_class_average_resembles_itself_most(predictor: Predictor) -> None:
    from pneumonia import imaging

    for model in predictor.models:
        for path in model.bundle.examples:
            report = measure_film(model, imaging.to_input(imaging.read(path)))
            assert report.average is not None
            assert report.average.path == path
            assert report.average.similarity == pytest.approx(1, abs=1e-4)


def test_a_bundle_without_examples_has_no_average(predictor: Predictor, normal_film: Grey) -> None:
    from pneumonia.inference.model import Model

    bundle = predictor.models[0].bundle
    files = {name: entry for name, entry in bundle.config["files"].items() if not name.startswith("examples/")}
    report = measure_film(Model(replace(bundle, config={**bundle.config, "files": files}), 1), as_input(normal_film))
    assert report.average is None
    assert gate_wording.average_name(report) == ""


def test_only_a_film_that_a_gate_refused_has_a_report(
    predictor: Predictor, large_film: Grey, encode: Callable[..., bytes]
) -> None:
    def report_of(source: bytes, age: float | None = None) -> Any:
        reading = predictor.read(source, age)
        return gate_report(predictor.model_of(reading), reading, source)

    turned = large_film.T.copy()
    assert report_of(encode(large_film, "PNG")) is None
    assert report_of(encode(large_film, "PNG"), 10) is None  # no model covers the age
    assert report_of(encode(turned, "PNG")) is not None
    assert report_of(dicom(turned, ViewPosition="RL")) is None  # refused by its header, without a gate


def test_the_reason_is_in_words(predictor: Predictor, normal_film: Grey) -> None:
    report = measure_film(predictor.models[0], as_input(normal_film.T.copy()))
    text = gate_wording.describe_report(report)
    assert text and all(gate_wording.describe_measure(measure) in text for measure in report.main_measures)
    average = gate_wording.average_name(report)
    assert average.startswith("Average of 64 typical ") and "children of 1-5 years" in average


def test_a_blank_film_is_said_to_have_no_contrast(predictor: Predictor) -> None:
    report = measure_film(predictor.models[0], np.full((150, 150, 3), 128, np.uint8))
    assert not report.has_contrast
    expected = "The grey levels differ by a standard deviation of 0.0 of 255. At least 4 is needed."
    assert gate_wording.describe_report(report) == expected


def test_every_measure_of_the_embedded_gates_has_words(predictor: Predictor) -> None:
    for model in predictor.models:
        for view, limits in model.gate.limits.items():
            for name in limits:
                assert (view, name) in gate_wording.REASONS
                assert (view, name) in gate_wording.NAMES
