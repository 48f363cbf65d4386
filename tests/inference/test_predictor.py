from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies
from PIL import Image

from pneumonia import Prediction, Predictor, load_predictor
from pneumonia.errors import UsageError
from pneumonia.imaging import INVERTED_WARNING, Radiograph, Source, read, to_input
from pneumonia.imaging.dicom.header import LATERAL_WARNING
from pneumonia.inference.bundle import Bundle
from pneumonia.inference.cut_off_films import ELONGATED_WARNING
from pneumonia.inference.decision import UNKNOWN, Calibration, Reason
from pneumonia.inference.explain import ZONES, zone_shares
from pneumonia.inference.model import Model
from pneumonia.inference.reading import Reading
from tests.support.dicom_files import dicom

Grey = npt.NDArray[np.uint8]


def variants(film: Grey, count: int) -> list[Grey]:
    """Films that the gate accepts and whose scores differ: the average film with different noise."""
    noise = np.random.default_rng(11).normal(0, 6, (count, *film.shape))
    return [np.clip(film + grain, 0, 255).astype(np.uint8) for grain in noise]


def test_each_kind_of_source_gets_the_same_answer(predictor: Predictor, film_path: Path, normal_film: Grey) -> None:
    with Image.open(film_path) as picture:
        sources: list[Source] = [film_path, str(film_path), film_path.read_bytes(), picture, normal_film]
        answers = [replace(predictor.predict(source), file=None) for source in sources]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].probability is not None


def test_an_answer_carries_the_name_as_the_caller_gave_it(
    predictor: Predictor, film_path: Path, normal_film: Grey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(film_path.parent)
    assert predictor.predict(film_path).file == str(film_path)
    assert predictor.predict("film.png").file == "film.png"
    assert predictor.predict(normal_film).file is None
    assert predictor.predict(normal_film, file="film 7").file == "film 7"
    assert predictor.predict(film_path, file="upload.png").file == "upload.png"


def test_an_answer_names_its_model_and_its_operating_point(predictor: Predictor, normal_film: Grey) -> None:
    for name in predictor.point_names:
        answer = predictor.predict(normal_film, name)
        assert answer.operating_point == name
        assert answer.model == predictor.models[0].bundle.identity


def test_the_warnings_of_the_film_reach_the_answer(predictor: Predictor, normal_film: Grey) -> None:
    small = np.asarray(Image.fromarray(normal_film).resize((100, 100)))
    assert predictor.predict(small).warnings == read(small).warnings != ()


def test_a_refused_film_is_unknown_and_not_scored(predictor: Predictor) -> None:
    answer = predictor.predict(np.full((200, 200), 128, np.uint8))
    assert answer.label == UNKNOWN
    assert answer.reason == Reason("unreadable_contrast")
    assert (answer.probability, answer.confidence, answer.probabilities, answer.zones) == (None,) * 4


def test_zones_are_those_of_the_reading_and_none_for_a_normal_answer(predictor: Predictor, normal_film: Grey) -> None:
    reading = predictor.read(normal_film)
    assert reading.activation is not None
    low, high = (predictor.decide(replace(reading, probability=probability)) for probability in (0.0, 1.0))
    assert low.zones is None
    assert high.zones == zone_shares(reading.activation, reading.lung_field)
    assert set(high.zones) == set(ZONES)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_an_inverted_film_is_corrected_and_says_so(predictor: Predictor, large_film: Grey, depth: type) -> None:
    upright = large_film.astype(depth) * depth(np.iinfo(depth).max // 255)
    answer, corrected = predictor.predict(upright), predictor.predict(np.iinfo(depth).max - upright)
    assert corrected == replace(answer, warnings=(*answer.warnings, INVERTED_WARNING))
    assert answer.probability is not None


def test_an_inverted_film_is_displayed_corrected_at_full_resolution(
    predictor: Predictor, normal_film: Grey, encode: Callable[..., bytes]
) -> None:
    large = np.asarray(Image.fromarray(normal_film).resize((1600, 1400)))
    for kind, max_difference in (("PNG", 0), ("JPEG", 12)):
        inverted = encode(255 - large, kind)
        reading = predictor.read(inverted)
        assert reading.inverted
        display = reading.display(inverted)
        assert display.shape == large.shape
        assert np.abs(display.astype(np.int16) - large).max() <= max_difference
    assert not predictor.read(large).inverted
    np.testing.assert_array_equal(predictor.read(large).display(large), large)


def test_a_film_that_is_refused_in_both_polarities_is_not_inverted(predictor: Predictor, normal_film: Grey) -> None:
    for other in (np.rot90(normal_film), 255 - np.rot90(normal_film), np.full((200, 200), 200, np.uint8)):
        other = np.ascontiguousarray(other)
        reading = predictor.read(other)
        assert (reading.refusal is None, reading.inverted, reading.film.warnings) == (False, False, ())
        assert reading.refusal == Reason(str(predictor.models[0].gate.check(to_input(read(other)))))


def test_a_film_with_a_lateral_header_is_refused_without_the_gate(predictor: Predictor, normal_film: Grey) -> None:
    frontal, lateral = (predictor.predict(dicom(normal_film, ViewPosition=view)) for view in ("PA", "LL"))
    assert frontal.probability == predictor.predict(normal_film).probability is not None
    assert (lateral.label, lateral.reason) == (UNKNOWN, Reason("unlike_training_films"))
    assert (lateral.probability, lateral.zones, lateral.warnings) == (None, None, (LATERAL_WARNING,))
    blank = np.zeros((100, 100), np.uint8) + np.uint8(7)
    assert predictor.predict(dicom(blank, ViewPosition="RL")).reason == Reason("unlike_training_films")


@pytest.mark.parametrize("size", [(900, 250), (250, 900)])
def test_a_strip_is_refused_although_the_model_input_hides_its_shape(
    predictor: Predictor, normal_film: Grey, size: tuple[int, int]
) -> None:
    strip = np.asarray(Image.fromarray(normal_film).resize(size))
    assert predictor.predict(strip).reason == Reason("not_a_chest_film")
    width, height = size
    longest = np.asarray(Image.fromarray(normal_film).resize((min(width, 800), min(height, 800))))
    answer = predictor.predict(longest)
    assert answer.label == predictor.predict(normal_film).label
    assert ELONGATED_WARNING in answer.warnings
    assert ELONGATED_WARNING not in predictor.predict(normal_film[:100]).warnings


def reading_with_probability(probability: float) -> Reading:
    """A reading with a probability that scoring the film again would not give."""
    blank = Radiograph(np.zeros((150, 150), np.uint8), "array")
    return Reading(blank, None, probability, np.ones((18, 18), np.float32))


@pytest.mark.parametrize("probability", [0.0, 0.123456, 0.5, 0.987654, 1.0])
def test_another_operating_point_is_decided_without_scoring_again(predictor: Predictor, probability: float) -> None:
    for name, point in predictor.models[0].operating_points.items():
        answer = predictor.decide(reading_with_probability(probability), name, file="film.png")
        assert answer.probability == predictor.models[0].bundle.calibration.supported(probability)
        assert (answer.operating_point, answer.file) == (name, "film.png")
        assert answer.label == point.label(probability)
        assert answer.reason == (Reason("inconclusive") if answer.label == UNKNOWN else None)


def test_a_decision_from_a_reading_is_the_prediction(predictor: Predictor, normal_film: Grey) -> None:
    reading = predictor.read(normal_film)
    for name in predictor.point_names:
        assert predictor.decide(reading, name) == predictor.predict(normal_film, name)


@pytest.mark.parametrize("probability", [0.0, 0.05, 0.5, 0.97, 1.0])
def test_a_prevalence_changes_its_own_values_and_neither_label_nor_probability(
    predictor: Predictor, probability: float
) -> None:
    model = predictor.models[0]
    for name in predictor.point_names:
        default, requested = (
            predictor.decide(reading_with_probability(probability), name, prevalence=share) for share in (None, 0.1)
        )
        assert requested == replace(
            default,
            prevalence=0.1,
            probability_at_prevalence=model.bundle.calibration.supported(probability, 0.1),
            predictive_value=model.predictive_value(default.label, name, 0.1),
        )
        assert default.prevalence == model.bundle.calibration.prevalence
        assert default.probability_at_prevalence == pytest.approx(default.probability)
        assert (default.predictive_value is None) is (default.label == UNKNOWN)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(strategies.floats(0, 1), strategies.none() | strategies.floats(1e-6, 1 - 1e-6))
def test_no_answer_contradicts_its_probability_at_any_prevalence(
    predictor: Predictor, probability: float, prevalence: float | None
) -> None:
    for name in predictor.point_names:
        answer = predictor.decide(reading_with_probability(probability), name, prevalence=prevalence)
        shown = answer.as_dict()["probabilities"]
        assert answer.label != "Normal" or shown["Normal"] >= 0.5 >= shown["Pneumonia"]
        assert answer.label != "Pneumonia" or shown["Normal"] <= 0.5 <= shown["Pneumonia"]
        assert answer.confidence is None or answer.confidence >= 0.5


def test_a_prevalence_applies_to_every_method(predictor: Predictor, normal_film: Grey, film_path: Path) -> None:
    answer = predictor.predict(film_path, "screening", prevalence=0.125)
    assert list(predictor.predict_many([film_path], "screening", prevalence=0.125)) == [answer]
    reading = predictor.read(film_path)
    assert predictor.decide(reading, "screening", file=str(film_path), prevalence=0.125) == answer
    assert reading.probability is not None
    calibration = predictor.models[0].bundle.calibration
    assert answer.probability_at_prevalence == calibration.at_prevalence(0.125, reading.probability)


def test_a_film_that_is_not_scored_has_no_values_at_a_prevalence(predictor: Predictor) -> None:
    blank = np.full((200, 200), 128, np.uint8)
    assert predictor.predict(blank, prevalence=0.1) == predictor.predict(blank)


def test_an_impossible_prevalence_is_refused_before_the_film_is_read(predictor: Predictor) -> None:
    for ask in (
        lambda: predictor.predict("missing.png", prevalence=1.0),
        lambda: list(predictor.predict_many(["missing.png"], prevalence=0.0)),
        lambda: predictor.decide(reading_with_probability(0.5), prevalence=2),
    ):
        with pytest.raises(UsageError, match="above 0 and below 1"):
            ask()


def test_an_unknown_operating_point_is_refused_before_the_film_is_read(predictor: Predictor) -> None:
    for ask in (
        lambda: predictor.predict("missing.png", "strict"),
        lambda: list(predictor.predict_many(["missing.png"], "strict")),
        lambda: predictor.decide(reading_with_probability(0.5), "strict"),
    ):
        with pytest.raises(UsageError, match=r"Allowed: .*balanced.* Received: 'strict'\."):
            ask()


def test_many_films_are_answered_in_order(predictor: Predictor, normal_film: Grey) -> None:
    films = variants(normal_film, 25)
    # A large film now and then, so that later ones are ready before it.
    films[::6] = [np.kron(film, np.ones((14, 14), np.uint8)) for film in films[::6]]
    results = list(predictor.predict_many(films))
    assert results == [predictor.predict(film) for film in films]
    assert len({result.probability for result in results if isinstance(result, Prediction)}) > 1


def test_no_films_give_no_results(predictor: Predictor) -> None:
    assert list(predictor.predict_many([])) == []


def film_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("film")]


def test_many_films_are_taken_lazily_from_an_endless_source(predictor: Predictor, normal_film: Grey) -> None:
    produced = itertools.count()

    def endless() -> Iterator[Grey]:
        while True:
            next(produced)
            yield normal_film

    results = predictor.predict_many(endless())
    assert next(produced) == 0, "no film is read before the first result is requested"
    assert [isinstance(result, Prediction) for result in itertools.islice(results, 3)] == [True] * 3
    assert next(produced) <= 3 + 4 * predictor.threads + 2
    results.close()  # type: ignore[attr-defined]
    assert film_threads() == [], "no thread may remain after an early end"


def test_eight_threads_at_once_get_the_answers_of_one(predictor: Predictor, normal_film: Grey) -> None:
    inputs = [to_input(read(film)) for film in variants(normal_film, 24)] * 4
    alone = [predictor.models[0].score(input_image) for input_image in inputs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(predictor.models[0].score, inputs))
    for score, other in zip(alone, together, strict=True):
        assert score.probability == other.probability
        np.testing.assert_array_equal(score.activation, other.activation)


def test_an_activation_map_is_a_copy(predictor: Predictor, normal_film: Grey) -> None:
    """The interpreter reuses its memory for the next film, which must not change earlier results."""
    first = predictor.read(normal_film).activation
    assert first is not None
    copy = first.copy()
    predictor.models[0].score(to_input(read(255 - normal_film)))
    np.testing.assert_array_equal(first, copy)


def test_threads_come_from_the_setting_or_the_caller(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_THREADS", "3")
    assert Model(predictor.models[0].bundle).threads == 3
    assert Predictor([Model(predictor.models[0].bundle, 1)]).threads == 1
    monkeypatch.setenv("PNEUMONIA_THREADS", "none")
    with pytest.raises(UsageError, match="PNEUMONIA_THREADS"):
        Model(predictor.models[0].bundle)


def test_one_thread_gives_the_answers_of_many(predictor: Predictor, normal_film: Grey) -> None:
    films = variants(normal_film, 6)
    assert list(Predictor([Model(predictor.models[0].bundle, 1)]).predict_many(films)) == list(
        predictor.predict_many(films)
    )


def test_a_steeper_calibration_moves_the_probability_and_nothing_else(predictor: Predictor, normal_film: Grey) -> None:
    bundle: Bundle = replace(predictor.models[0].bundle, calibration=Calibration(1e-9, 0.0, 0.5))
    answer = Predictor([Model(bundle, 1)]).predict(normal_film)
    assert answer.probability == pytest.approx(0.5, abs=1e-6)


def test_the_description_has_the_contracts_keys(predictor: Predictor) -> None:
    description = predictor.describe()
    keys = ["name", "revision", "sha256", "site", "population", "licence", "operating_points", "figures"]
    assert list(description) == [*keys, "populations"]
    assert list(description["populations"]) == [model.population.name for model in predictor.models]
    for name, one in description["populations"].items():
        assert list(one) == keys and one["population"] == name
        assert one["licence"] is None or {"name", "terms", "non_commercial"} <= set(one["licence"])
    assert "balanced" in description["operating_points"]
    for point in description["operating_points"].values():
        assert list(point) == ["low", "threshold", "high"]
    assert {"value", "low", "high"} <= set(description["figures"]["official"]["accuracy"])


def test_the_model_setting_is_read_where_none_is_named(monkeypatch: pytest.MonkeyPatch, predictor: Predictor) -> None:
    monkeypatch.setenv("PNEUMONIA_MODEL", str(predictor.models[0].bundle.folder))
    assert load_predictor(threads=1).models[0].identity.sha256 == predictor.models[0].identity.sha256


def test_a_large_jpeg_gets_the_same_result_from_path_and_bytes(
    predictor: Predictor, normal_film: Grey, encode: Callable[..., bytes], tmp_path: Path
) -> None:
    data = encode(np.asarray(Image.fromarray(normal_film).resize((2400, 2000))), "JPEG")
    path = tmp_path / "film.jpg"
    path.write_bytes(data)
    assert predictor.predict(path).probability == predictor.predict(data).probability is not None
