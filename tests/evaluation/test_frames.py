"""The frame audit compares answers alone and in a frame, and counts frames in folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Predictor
from pneumonia.evaluation import frames
from pneumonia.evaluation.simulated_frames import COLOURS, add_frame
from pneumonia.imaging import WHOLE, Area

Grey = npt.NDArray[np.uint8]
WriteFilms = Callable[[Path, dict[str, list[str]]], Path]


@pytest.mark.parametrize("colour", COLOURS)
def test_a_frame_surrounds_the_film(colour: str) -> None:
    film = np.full((100, 200), 77, np.uint8)
    framed = add_frame(film, 0.05, colour)
    assert framed.shape == (110, 220)
    np.testing.assert_array_equal(framed[5:-5, 10:-10], film)
    left, top, right, bottom = COLOURS[colour]
    assert (framed[50, 0], framed[0, 100], framed[50, -1], framed[-1, 100]) == (left, top, right, bottom)


def test_removed_frames_change_no_answer(normal_film: Grey, predictor: Predictor) -> None:
    film = np.rint(30 + 0.85 * normal_film).astype(np.uint8)
    films = [film, film[::-1].copy()]
    result = frames.compare(predictor, films, list(predictor.predict_many(films)), 0.05, "white", "exact")
    assert result == frames.FrameResult(2, 1.0, 1.0, 0, 0)


def test_a_frame_that_is_not_removed_is_counted(
    normal_film: Grey, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [predictor.predict(normal_film)]
    monkeypatch.setattr("pneumonia.imaging.reader.film_area", lambda pixels: WHOLE)
    monkeypatch.setattr("pneumonia.imaging.film_area", lambda pixels: Area())
    result = frames.compare(predictor, [normal_film], before, 0.2, "white", "JPEG quality 75")
    assert (result.same, result.located, result.refused) == (0.0, 0.0, 1)


def test_the_command_prints_both_tables(
    write_films: WriteFilms, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "SHARES", (0.05,))
    root = write_films(tmp_path, {"train/NORMAL": ["a.png", "b.png"], "train/PNEUMONIA": ["c.png"]})
    assert frames.main(["--data", str(root), "--count", "3", "--unframed", str(root / "train/NORMAL")]) == 0
    output = capsys.readouterr().out
    assert output.startswith("3 films.")
    assert "| white, 5 % | exact | 100.0 % | 0 | 0 |" in output
    assert "| 2 | 0 |" in output


def test_the_command_needs_films(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        frames.main([])
    assert frames.main(["--data", str(tmp_path)]) == 2
    assert "dataset_layout" in capsys.readouterr().err
