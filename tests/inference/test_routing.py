"""Which model answers: a known age decides, otherwise the gates; every answer names its population and its model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Prediction, Predictor, load_predictor
from pneumonia.errors import BundleCorrupt, ModelNotFound, UsageError
from pneumonia.imaging import INVERTED_WARNING
from pneumonia.inference import gate_views, routing, sources
from pneumonia.inference.gate_views import Features
from pneumonia.inference.model import Model
from pneumonia.inference.predictor import load_model
from pneumonia.inference.reading import AGES_DIFFER_WARNING
from tests.support.dicom_files import dicom
from tests.support.made_bundles import made_bundle, made_predictor, write_bundle

Grey = npt.NDArray[np.uint8]

CHILDREN, ADULTS = {"probability": 0.9}, {"probability": 0.1}
"""The children's model answers Pneumonia, the adults' Normal, so that an answer shows which model it is of."""

UNLIKE, NO_FILM = {"reason": "unlike_training_films"}, {"reason": "not_a_chest_film"}


@pytest.fixture(scope="module")
def both() -> Predictor:
    """Two models whose gates accept every chest film, without a preference."""
    return made_predictor(children=CHILDREN, adults=ADULTS)


def code(answer: Prediction) -> str | None:
    return answer.reason.code if answer.reason else None


@pytest.mark.parametrize(
    ("age", "population"),
    [*((age, "children") for age in (1, 1.0, 3, 5.99)), *((age, "adults") for age in (18, 18.5, 64, 130))],
)
def test_a_stated_age_decides(both: Predictor, normal_film: Grey, age: float, population: str) -> None:
    answer = both.predict(normal_film, age=age)
    assert (answer.population, answer.model.name) == (population, population)
    assert answer.label == {"children": "Pneumonia", "adults": "Normal"}[population]
    assert answer.as_dict()["population"] == population


@pytest.mark.parametrize("age", [0, 0.5, 0.99, 6, 12.5, 17, 17.99])
def test_an_age_that_no_model_covers_is_unknown_and_no_gate_runs(
    both: Predictor, normal_film: Grey, age: float
) -> None:
    for film in (normal_film, np.full((200, 200), 128, np.uint8)):
        answer = both.predict(film, age=age)
        assert (answer.label, code(answer), answer.population) == ("Unknown", "age_not_covered", None)
        assert answer.probabilities is answer.zones is answer.as_dict()["population"] is None
        assert answer.model == both.models[0].identity
    assert answer.reason is not None
    assert "children of 1-5 years, adults of 18 years and over" in answer.reason.message
    assert "DICOM" not in answer.reason.message


@pytest.mark.parametrize(("age", "expected"), [("003Y", "children"), ("071M", "children"), ("045Y", "adults")])
def test_the_age_in_the_file_decides_where_none_is_stated(
    both: Predictor, normal_film: Grey, age: str, expected: str
) -> None:
    answer = both.predict(dicom(normal_film, PatientAge=age))
    assert (answer.population, answer.warnings) == (expected, ())


@pytest.mark.parametrize("age", ["000Y", "006M", "006Y", "017Y"])
def test_an_age_in_the_file_that_no_model_covers_is_named_as_such(both: Predictor, normal_film: Grey, age: str) -> None:
    answer = both.predict(dicom(normal_film, PatientAge=age))
    assert code(answer) == "age_not_covered"
    assert answer.reason is not None and answer.reason.message.endswith(
        "If the age in the DICOM header is wrong, state the age."
    )
    assert age not in str(answer.as_dict())


def test_the_stated_age_wins_over_that_of_the_file_with_a_warning(both: Predictor, normal_film: Grey) -> None:
    film = dicom(normal_film, PatientAge="045Y")
    child, adult, schoolchild = (both.predict(film, age=age) for age in (3, 60, 10))
    assert (child.population, child.warnings) == ("children", (AGES_DIFFER_WARNING,))
    assert (adult.population, adult.warnings) == ("adults", ())
    assert (code(schoolchild), schoolchild.warnings) == ("age_not_covered", (AGES_DIFFER_WARNING,))


def test_with_a_known_age_the_gate_of_its_model_still_judges(normal_film: Grey) -> None:
    predictor = made_predictor(children={**CHILDREN, **UNLIKE}, adults=ADULTS)
    refused = predictor.predict(normal_film, age=4)
    assert (code(refused), refused.population, refused.model.name) == ("unlike_training_films", None, "children")
    assert predictor.predict(normal_film, age=40).population == "adults"
    turned = np.ascontiguousarray(np.rot90(normal_film))
    assert predictor.predict(turned, age=40).population is None


@pytest.mark.parametrize("accepting", ["children", "adults"])
def test_without_an_age_the_only_gate_that_accepts_decides(normal_film: Grey, accepting: str) -> None:
    # The other gate's resemblance is larger, but it refuses the film.
    options: dict[str, Any] = {name: {**UNLIKE, "resemblance": 50.0} for name in ("children", "adults")}
    predictor = made_predictor(**{**options, accepting: {"resemblance": -3.0}})
    assert predictor.predict(normal_film).population == accepting


@pytest.mark.parametrize(
    ("children", "adults", "expected"),
    [(3.0, 0.0, "children"), (0.0, 3.0, "adults"), (5.0, 3.0, "children"), (1.9, 0.0, None), (-4.0, -4.0, None)],
)
def test_without_an_age_the_closer_of_two_gates_decides_from_the_margin_on(
    normal_film: Grey, children: float, adults: float, expected: str | None
) -> None:
    predictor = made_predictor(children={"resemblance": children}, adults={"resemblance": adults})
    answer = predictor.predict(normal_film)
    assert answer.population == expected
    assert code(answer) in ({None, "inconclusive"} if expected else {"population_unclear"})
    if expected is None:
        assert answer.reason is not None and "State the age" in answer.reason.message
        assert predictor.predict(normal_film, age=30).population == "adults"
        assert predictor.predict(normal_film, age=3).population == "children"


@pytest.mark.parametrize(
    ("margins", "expected"), [((0.5, 0.5), "children"), ((0.5, 1.5), None), ((0.0, 0.0), "children")]
)
def test_the_margin_is_the_larger_one_of_the_bundles(
    normal_film: Grey, margins: tuple[float, float], expected: str | None
) -> None:
    first, second = ({"margin": margin} for margin in margins)
    predictor = made_predictor(children={"resemblance": 1.0, "routing": first}, adults={"routing": second})
    assert predictor.predict(normal_film).population == expected


def test_a_film_that_no_gate_accepts_has_the_reason_of_the_closer_one(normal_film: Grey) -> None:
    for near, far in (("children", "adults"), ("adults", "children")):
        options: dict[str, Any] = {near: {**UNLIKE, "resemblance": 2.0}, far: {**NO_FILM, "resemblance": -2.0}}
        predictor = made_predictor(**{name: options[name] for name in ("children", "adults")})
        answer = predictor.predict(normal_film)
        assert (code(answer), answer.model.name) == ("unlike_training_films", near)
    assert code(predictor.predict(np.full((200, 200), 9, np.uint8))) == "unreadable_contrast"


@pytest.mark.parametrize("accepting", ["children", "adults"])
@pytest.mark.parametrize("age", [None, "right"])
def test_an_inverted_film_is_tried_with_every_gate(normal_film: Grey, accepting: str, age: str | None) -> None:
    options: dict[str, Any] = {"children": dict(UNLIKE), "adults": dict(UNLIKE), accepting: {}}
    predictor = made_predictor(**options)
    years = {"children": 3, "adults": 30}[accepting] if age else None
    answer = predictor.predict(255 - normal_film, age=years)
    assert (answer.population, answer.warnings) == (accepting, (INVERTED_WARNING,))
    assert answer.probability == predictor.predict(normal_film, age=years).probability


def test_a_lateral_film_is_refused_by_the_model_for_the_age(both: Predictor, normal_film: Grey) -> None:
    for age, name in (("030Y", "adults"), ("003Y", "children"), (None, "children")):
        answer = both.predict(dicom(normal_film, ViewPosition="LL", PatientAge=age, PatientBirthDate=None))
        assert (code(answer), answer.model.name, answer.population) == ("unlike_training_films", name, None)


def test_the_features_of_a_film_are_computed_once_for_all_gates(
    both: Predictor, normal_film: Grey, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    class Counted(Features):
        @classmethod
        def of(cls, input_image: gate_views.Films) -> Features:
            calls.append(input_image)
            return Features.of(input_image)

    monkeypatch.setattr(routing, "Features", Counted)
    both.predict(normal_film)
    assert len(calls) == 1


@pytest.mark.parametrize("age", [-1, 131, float("nan"), "4", True])
def test_an_invalid_age_is_refused_before_the_film_is_read(both: Predictor, age: Any) -> None:
    for ask in (
        lambda: both.predict("missing.png", age=age),
        lambda: list(both.predict_many(["missing.png"], age=age)),
        lambda: both.read("missing.png", age),
    ):
        with pytest.raises(UsageError, match="Allowed: 0 to 130 years"):
            ask()


def test_an_age_applies_to_every_method_and_operating_point(both: Predictor, normal_film: Grey) -> None:
    answer = both.predict(normal_film, "screening", age=40, prevalence=0.2)
    assert list(both.predict_many([normal_film], "screening", age=40, prevalence=0.2)) == [answer]
    assert both.decide(both.read(normal_film, 40), "screening", prevalence=0.2) == answer
    assert answer.population == "adults"


@pytest.mark.parametrize(("only", "own", "other"), [("children", 3, 30), ("adults", 30, 3)])
def test_one_model_serves_its_own_population_only(normal_film: Grey, only: str, own: int, other: int) -> None:
    predictor = made_predictor(**{only: {}})
    assert predictor.predict(normal_film, age=own).population == predictor.predict(normal_film).population == only
    refused = predictor.predict(normal_film, age=other)
    assert (code(refused), refused.population) == ("age_not_covered", None)
    assert refused.reason is not None
    assert f"Covered: {predictor.models[0].population.description}." in refused.reason.message


def test_the_description_has_each_population(both: Predictor) -> None:
    description = both.describe()
    assert list(description["populations"]) == ["children", "adults"]
    assert description["name"] == "children"
    for name, model in zip(("children", "adults"), both.models, strict=True):
        assert description["populations"][name] == model.describe()
        assert description["populations"][name]["name"] == name


def test_the_identity_of_several_models_has_every_hash(both: Predictor, predictor: Predictor) -> None:
    assert predictor.with_threads(1).identity == predictor.identity
    if len(predictor.models) == 1:
        assert predictor.identity == predictor.models[0].identity
    assert both.identity.name == "children + adults"
    assert both.identity.sha256 == " + ".join(model.identity.sha256 for model in both.models)


def test_a_predictor_has_one_model_for_each_population() -> None:
    model = Model(made_bundle("children"), 1)
    for models in ([], [model, model]):
        with pytest.raises(UsageError, match="one for each population"):
            Predictor(models)


def test_the_points_are_those_that_every_model_has(both: Predictor) -> None:
    assert both.point_names == ("screening", "balanced", "confirm")


def test_several_names_are_one_model_for_each_population(tmp_path: Path, normal_film: Grey) -> None:
    adults, children = (write_bundle(tmp_path / name, name) for name in ("adults", "children"))
    predictor = load_predictor(f"{adults}, {children}", threads=1)
    assert [model.population.name for model in predictor.models] == ["children", "adults"]
    assert predictor.predict(normal_film, age=50).model.name == "adults"
    only = load_predictor(str(adults), threads=1)
    assert [model.population.name for model in only.models] == ["adults"]
    assert load_model(f"{adults},{children}", population="adults", threads=1).identity.name == "adults"
    assert load_model(f"{adults},{children}", threads=1).identity.name == "children"
    with pytest.raises(ModelNotFound, match=r"Allowed: adults\. Received: 'children'"):
        load_model(str(adults), population="children")


def test_two_models_of_one_population_are_refused(tmp_path: Path) -> None:
    first, second = (write_bundle(tmp_path / name, "adults") for name in ("first", "second"))
    with pytest.raises(UsageError, match=r"one for each\. Received: 2 of adults\."):
        load_predictor(f"{first},{second}")


@pytest.mark.parametrize("names", ["{},", ",{}", "{},,{}", "{}, ", "{},no-such-folder/"])
def test_an_empty_or_unknown_name_in_a_list_is_refused(tmp_path: Path, names: str) -> None:
    folder = write_bundle(tmp_path / "adults", "adults")
    with pytest.raises(ModelNotFound, match="Unknown model"):
        load_predictor(names.format(folder, folder))


def test_a_folder_whose_name_has_a_comma_is_one_model(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "adults, second run", "adults")
    assert load_predictor(str(folder), threads=1).models[0].identity.name == "adults, second run"


def test_the_embedded_models_are_those_with_a_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {name: write_bundle(tmp_path / name, name) for name in ("children", "adults")}
    pins = {name: sources.bundle.read_config(folder)[1] for name, folder in folders.items()}
    monkeypatch.setattr(sources, "EMBEDDED_FOLDERS", folders)
    monkeypatch.setattr(sources, "CONFIG_SHA256", pins)
    loaded = sources.load_bundles("")
    assert [(each.population.name, each.identity.name) for each in loaded] == [
        ("children", "embedded"),
        ("adults", "embedded"),
    ]
    monkeypatch.setattr(sources, "EMBEDDED_FOLDERS", {**folders, "adults": folders["children"]})
    with pytest.raises(BundleCorrupt, match="does not match its sha256"):
        sources.load_bundles("")
    monkeypatch.setattr(sources, "CONFIG_SHA256", {**pins, "adults": pins["children"]})
    with pytest.raises(BundleCorrupt, match="is of children"):
        sources.load_bundles("")
