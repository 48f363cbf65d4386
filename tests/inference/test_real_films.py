"""With real films: the figures of the model card are reproduced, and other images are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pneumonia import Prediction, Predictor
from pneumonia.evaluation import official


@pytest.mark.slow
def test_the_figures_of_the_card_are_reproduced_on_the_official_test(
    predictor: Predictor, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert official.reevaluate(predictor.models[:1], data / "chest_xray")
    assert "other films" not in capsys.readouterr().out


@pytest.mark.parametrize(("folder", "min_share"), [("documents", 0.95), ("brain_mri", 0.9), ("spine", 0.85)])
def test_images_that_are_no_chest_films_are_refused(
    predictor: Predictor, data: Path, folder: str, min_share: float
) -> None:
    paths = sorted(path for path in (data / "unknown" / folder).rglob("*") if path.is_file())
    results = list(predictor.predict_many(paths))
    scored = [result for result in results if isinstance(result, Prediction) and result.probability is not None]
    assert 1 - len(scored) / len(results) >= min_share


def test_every_training_film_is_readable_and_few_are_refused(predictor: Predictor, data: Path) -> None:
    paths = sorted((data / "chest_xray" / "train" / "NORMAL").glob("*.jpeg"))[:100]
    results = list(predictor.predict_many(paths))
    assert all(isinstance(result, Prediction) for result in results)
    assert sum(isinstance(result, Prediction) and result.probability is None for result in results) <= 5
