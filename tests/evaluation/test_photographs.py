"""Simulated photographs of films, and the audit of the answers for them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.evaluation import photographs
from pneumonia.evaluation.simulated_photographs import (
    CAMERA_SIDE,
    SCENES,
    STRENGTHS,
    homography,
    photograph,
    photograph_with_corners,
    straighten,
)
from pneumonia.inference.decision import Prediction
from pneumonia.inference.gate_report import gate_report

Grey = npt.NDArray[np.uint8]
ADVICE = "export the image instead of photographing the screen"


def test_a_homography_maps_the_four_points() -> None:
    points = np.array([[0.0, 0], [10, 0], [10, 10], [0, 10]])
    images = np.array([[1.0, 2], [12, 1], [9, 14], [-1, 8]])
    a, b, c, d, e, f, g, h = homography(points, images)
    for (x, y), image in zip(points, images, strict=True):
        scale = g * x + h * y + 1
        np.testing.assert_allclose([(a * x + b * y + c) / scale, (d * x + e * y + f) / scale], image)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_photograph_is_in_colour_and_reproducible(scene: str, strength: str, normal_film: Grey) -> None:
    data = photograph(normal_film, scene, STRENGTHS[strength], 1)
    assert data == photograph(normal_film, scene, STRENGTHS[strength], 1)
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.size, picture.mode) == ((CAMERA_SIDE, CAMERA_SIDE), "RGB")


@pytest.mark.parametrize("scene", SCENES)
def test_a_refused_photograph_says_what_to_do(scene: str, normal_film: Grey, predictor: Predictor) -> None:
    prediction = predictor.predict(photograph(normal_film, scene, STRENGTHS["strong"], 3))
    assert prediction.reason is not None
    assert prediction.reason.code in {"not_a_chest_film", "unlike_training_films"}
    assert ADVICE in prediction.reason.message
    assert ADVICE in prediction.as_dict()["reason"]["message"]


def test_a_photograph_that_the_gate_accepts_is_refused(normal_film: Grey, predictor: Predictor) -> None:
    data = photograph(normal_film, "lightbox", STRENGTHS["medium"], 1)
    reading = predictor.read(data)
    assert reading.refusal is not None
    assert ADVICE in reading.refusal.message
    assert reading.probability is None
    assert gate_report(predictor.model_of(reading), replace(reading, assessment=None), data) is None


def test_a_straightened_photograph_shows_the_film(normal_film: Grey) -> None:
    data, corners = photograph_with_corners(normal_film, "lightbox", STRENGTHS["strong"], 4)
    straight = Image.fromarray(straighten(data, corners)).resize(normal_film.shape[::-1])
    with Image.open(io.BytesIO(data)) as picture:
        photographed = picture.convert("L").resize(normal_film.shape[::-1])
    similarity = [
        np.corrcoef(np.asarray(image).ravel(), normal_film.ravel())[0, 1] for image in (straight, photographed)
    ]
    assert similarity[0] > 0.9 > similarity[1]


def test_the_audit_counts_answers(normal_film: Grey, predictor: Predictor) -> None:
    films = [normal_film, normal_film]
    before: list[Prediction] = [predictor.predict(film) for film in films]
    strong = photographs.compare(predictor, films, before, "lightbox", "strong")
    assert (strong.films, strong.answered, strong.changed, strong.missed) == (2, 0, 0, 0)
    mild = photographs.compare(predictor, films, before, "lightbox", "mild")
    assert mild.answered == 2
    assert mild.missed == 0


def test_the_command_prints_a_table(
    write_films: Callable[[Path, dict[str, list[str]]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(photographs, "STRENGTHS", {"strong": STRENGTHS["strong"]})
    root = write_films(tmp_path, {"train/NORMAL": ["a.png"], "train/PNEUMONIA": ["b.png"]})
    assert photographs.main(["--data", str(root)]) == 0
    assert re.search(
        r"^\| lightbox, strong \| [\d.]+ % \| 0.0 % \| 0 \| 0 \| 0 \|$", capsys.readouterr().out, re.MULTILINE
    )
    assert photographs.main(["--ordinary", str(root)]) == 0
    assert "| 2 | 0 | 0 | 0 |" in capsys.readouterr().out
    assert photographs.main(["--data", str(tmp_path / "none")]) == 2


def test_ordinary_films_that_are_taken_for_photographs_are_named(normal_film: Grey, tmp_path: Path) -> None:
    (tmp_path / "photograph.jpg").write_bytes(photograph(normal_film, "lightbox", STRENGTHS["medium"], 1))
    (tmp_path / "notes.txt").write_text("no film")
    Image.fromarray(normal_film).save(tmp_path / "film.png")
    result = photographs.count_ordinary(tmp_path)
    assert (result.films, result.flagged, result.framed) == (2, ("photograph.jpg",), ())


@pytest.mark.parametrize("variant", photographs.VARIANTS)
def test_the_audit_compares_each_variant(variant: str, normal_film: Grey, predictor: Predictor) -> None:
    before = [predictor.predict(normal_film)]
    result = photographs.compare(predictor, [normal_film], before, "lightbox", "medium", variant, seed=1)
    assert result.recognised == (variant != photographs.STRAIGHTENED)
