"""Simulated photographs of films, and the audit of the answers for them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.evaluation import photographs
from pneumonia.evaluation.simulated_photographs import CAMERA_SIDE, SCENES, STRENGTHS, homography, photograph
from pneumonia.inference.decision import Prediction

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
    assert "| lightbox, strong | 0.0 % | 100.0 % | 0 | 0 | 0 |" in capsys.readouterr().out
    assert photographs.main(["--data", str(tmp_path / "none")]) == 2
