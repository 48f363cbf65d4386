"""The site file: bound to a model, moves every operating point, named by every answer."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia import Predictor, load_predictor
from pneumonia.errors import SiteCorrupt, SiteMismatch, UsageError
from pneumonia.inference.decision import OperatingPoint
from pneumonia.inference.model import Model
from pneumonia.inference.site_overlay import apply_site, load_site, parse_site, recalibrated_point
from pneumonia.validation.evaluate import Question
from pneumonia.validation.site_file import site_overlay

from .made_results import made_result, made_table, shifted_films, validated

QUESTION = Question(site_name="Clinic North")


@pytest.fixture(scope="module")
def site(predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site file for the children's model."""
    path = tmp_path_factory.mktemp("site") / "site.json"
    path.write_bytes(site_overlay(predictor, validated(predictor, shifted_films(), QUESTION), QUESTION).to_bytes())
    return path


@pytest.fixture(scope="module")
def with_site(predictor: Predictor, site: Path) -> Predictor:
    return Predictor([Model(each, 1) for each in apply_site([model.bundle for model in predictor.models], site)])


def test_the_file_is_read_as_it_was_written(site: Path) -> None:
    overlay = load_site(site)
    assert overlay.name == "Clinic North"
    assert parse_site(overlay.to_bytes()).models == overlay.models
    assert overlay.models["children"].normal == overlay.models["children"].positive == 90


def test_every_answer_names_the_site(with_site: Predictor, site: Path, normal_film: Any) -> None:
    prediction = with_site.predict(normal_film, age=3)
    assert prediction.as_dict()["model"]["site"] == load_site(site).label
    assert prediction.model.site is not None and prediction.model.site.startswith("Clinic North@")
    assert load_site(site).label in str(with_site.identity.site)


def test_the_other_population_is_unchanged(with_site: Predictor, predictor: Predictor) -> None:
    adults, before = with_site.models[1], predictor.models[1]
    assert adults.identity == before.identity and adults.operating_points == before.operating_points


def test_the_local_point_replaces_the_judged_one(with_site: Predictor, site: Path) -> None:
    own = load_site(site).models["children"].operating_points["balanced"]
    assert with_site.models[0].operating_points["balanced"] == own
    assert with_site.point_names == ("screening", "balanced", "confirm")


def test_the_other_points_decide_as_before(with_site: Predictor, predictor: Predictor, site: Path) -> None:
    """A moved point gives the same label, or Unknown where the label would contradict the new probability."""
    own = load_site(site).models["children"]
    before, after = (p.models[0].operating_points["screening"] for p in (predictor, with_site))
    for probability in np.linspace(0.001, 0.999, 500):
        logit = math.log(probability / (1 - probability))
        moved = 1 / (1 + math.exp(-(own.slope * logit + own.intercept)))
        label = after.label(moved)
        assert label in {before.label(float(probability)), "Unknown"}


@pytest.mark.parametrize("slope", [0.2, 1.0, 4.0])
@pytest.mark.parametrize("intercept", [-3.0, 0.0, 3.0])
def test_no_recalibrated_point_contradicts_one_half(slope: float, intercept: float) -> None:
    for point in (OperatingPoint(0.1, 0.2, 0.5), OperatingPoint(0.5, 0.8, 0.9), OperatingPoint(0.0, 0.5, 1.0)):
        moved = recalibrated_point(point, slope, intercept)  # raises ValueError if the rule does not hold
        assert moved.low <= 0.5 <= moved.high


def test_the_probability_is_limited_by_the_films_of_the_site(with_site: Predictor) -> None:
    limit = with_site.models[0].bundle.calibration.limit
    assert limit is not None and limit[0] >= 1 / 92 - 1e-9 and limit[1] <= 91 / 92 + 1e-9


def test_the_predictive_value_is_that_of_the_site(with_site: Predictor, predictor: Predictor) -> None:
    shares = with_site.models[0].answer_shares("balanced", "Pneumonia")
    assert shares is not None and shares.films == 180
    assert with_site.models[0].answer_shares("screening", "Pneumonia") is None  # not tested on this scale
    before = predictor.models[0].answer_shares("balanced", "Pneumonia")
    assert before is not None and before.films == 624


@pytest.mark.slow
def test_a_second_validation_refers_to_the_model_itself(with_site: Predictor) -> None:
    """Films whose probabilities are right need no further recalibration: the file stays almost the same."""
    rng = np.random.default_rng(1)
    probabilities = rng.uniform(0.02, 0.98, 4000)
    truth = rng.uniform(size=4000) < probabilities
    point = with_site.models[0].operating_points["balanced"]
    results = [
        made_result(f"{n}", int(label), point.label(float(p)), float(p))
        for n, (label, p) in enumerate(zip(truth, probabilities, strict=True))
    ]
    again = site_overlay(with_site, validated(with_site, results), Question()).models["children"]
    calibration, base = with_site.models[0].bundle.calibration, with_site.models[0].bundle.calibration_of_config
    assert again.slope == pytest.approx(calibration.slope / base.slope, rel=0.1)
    assert again.sha256 == with_site.models[0].identity.sha256


def test_too_few_films_give_no_file(predictor: Predictor) -> None:
    validation = validated(predictor, made_table({(1, "Pneumonia"): 49, (0, "Normal"): 80}))
    with pytest.raises(UsageError, match="needs 50 scored films"):
        site_overlay(predictor, validation, Question())


def test_another_model_is_refused(predictor: Predictor, site: Path, tmp_path: Path) -> None:
    content = json.loads(site.read_text(encoding="utf-8"))
    content["models"]["children"]["sha256"] = "0" * 64
    other = tmp_path / "site.json"
    other.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SiteMismatch, match="Validate again") as caught:
        apply_site([model.bundle for model in predictor.models], other)
    assert caught.value.code == "site_mismatch"
    with pytest.raises(SiteMismatch, match="not loaded"):
        apply_site([predictor.models[1].bundle], site)


def edited(site: Path, change: Any) -> bytes:
    content = json.loads(site.read_text(encoding="utf-8"))
    change(content)
    return json.dumps(content).encode()


DAMAGE: dict[str, Any] = {
    "another format": lambda c: c.update(format=2),
    "no models": lambda c: c.update(models={}),
    "unknown population": lambda c: c["models"].update(elephants=c["models"]["children"]),
    "slope of zero": lambda c: c["models"]["children"]["recalibration"].update(slope=0),
    "slope of text": lambda c: c["models"]["children"]["recalibration"].update(slope="steep"),
    "infinite intercept": lambda c: c["models"]["children"]["recalibration"].update(intercept=math.inf),
    "low above one half": lambda c: c["models"]["children"]["operating_points"]["balanced"].update(
        low=0.6, threshold=0.7, high=0.8
    ),
    "unknown field": lambda c: c["models"]["children"]["operating_points"]["balanced"].update(middle=0.5),
    "no films": lambda c: c["models"]["children"]["films"].update(Normal=0),
    "share above one": lambda c: c["models"]["children"]["answers"]["balanced"]["Normal"]["Normal"].update(value=2),
    "name of a megabyte": lambda c: c.update(name="x" * 1_000_000),
    "list": lambda c: c.update(models=[]),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused(site: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "site.json"
    path.write_bytes(edited(site, DAMAGE[damage]))
    with pytest.raises(SiteCorrupt) as caught:
        load_site(path)
    assert caught.value.code == "site_corrupt"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 1}'])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "site.json"
    path.write_bytes(content)
    with pytest.raises(SiteCorrupt):
        load_site(path)


def test_the_setting_selects_the_file(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_SITE", str(site))
    assert load_predictor("", threads=1).identity.site == load_site(site).label
    assert load_predictor("", threads=1, site="").identity.site is None
    monkeypatch.setenv("PNEUMONIA_SITE", str(tmp_path / "missing.json"))
    with pytest.raises(SiteCorrupt, match="cannot be opened"):
        load_predictor("", threads=1)
