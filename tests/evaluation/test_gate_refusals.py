"""Share of images that the gate refuses, by folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.evaluation import gate_refusals
from pneumonia.evaluation.gate_refusals import count_refusals, kinds, main
from pneumonia.evaluation.intervals import wilson_interval
from pneumonia.evaluation.simulated_kinds import GENERATORS
from pneumonia.evaluation.simulated_layouts import LAYOUTS
from pneumonia.evaluation.synthetic_images import ORIENTATIONS, PATTERNS, SIDE, reoriented


@pytest.fixture
def folder(tmp_path: Path, normal_film: Any, encode: Any) -> Path:
    """A film, the same rotated by 90 degrees, noise, and a broken file."""
    noise = np.random.default_rng(0).integers(0, 256, (150, 150), dtype=np.uint8)
    (tmp_path / "mixed").mkdir()
    for name, pixels in (("film", normal_film), ("side", np.rot90(normal_film)), ("noise", noise)):
        (tmp_path / "mixed" / f"{name}.png").write_bytes(encode(np.ascontiguousarray(pixels), "PNG"))
    (tmp_path / "mixed" / "broken.png").write_bytes(b"broken")
    return tmp_path / "mixed"


def test_every_file_is_counted_once(predictor: Predictor, folder: Path) -> None:
    [kind] = kinds(predictor, [folder])
    assert (kind.name, kind.counts.total(), kind.images) == ("mixed", 4, 3)
    assert (kind.counts["scored"], kind.counts["unreadable"]) == (1, 1)
    assert kind.far == pytest.approx(kind.counts["not_a_chest_film"] / 3, abs=1e-5)
    assert kind.counts["not_a_chest_film"] >= 1


def test_the_table_has_a_row_per_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "| mixed | 3 | 66.7 % (20.8-93.9) |" in lines[-1]


def test_the_counts_are_written_as_json(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    out = tmp_path / "new" / "kinds.json"
    assert main([str(folder), str(tmp_path / "none"), "--json", str(out)]) == 0
    mixed, none = json.loads(out.read_bytes())["kinds"]
    assert mixed["name"] == "mixed"
    assert mixed["images"] == 3
    assert mixed["refused"] == {"value": 0.66667, "low": 0.20766, "high": 0.93851}
    assert 0 < mixed["far"] <= 0.66667
    assert none == {"name": "none", "images": 0, "refused": {"value": None, "low": None, "high": None}, "far": None}


@pytest.mark.slow
def test_synthetic_kinds_follow_the_folders(
    folder: Path,
    tmp_path: Path,
    normal_film: Any,
    encode: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate_refusals, "SIMULATED_IMAGES", 2)
    films, out = tmp_path / "films", tmp_path / "kinds.json"
    films.mkdir()
    (films / "film.png").write_bytes(encode(normal_film, "PNG"))
    (films / "broken.png").write_bytes(b"broken")
    assert main([str(folder), "--made", str(films), "--json", str(out)]) == 0
    by_name = {kind["name"]: kind for kind in json.loads(out.read_bytes())["kinds"]}
    assert list(by_name) == ["mixed", *PATTERNS, *ORIENTATIONS, *GENERATORS, *LAYOUTS]
    assert all(by_name[name]["images"] == 2 for name in (*GENERATORS, *LAYOUTS))
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(by_name)
    assert by_name["noise"]["refused"]["value"] >= 0.9, "the smoothest noise may resemble lungs"
    for name in ("blank", "chessboards", "films on their right side", "films on their left side"):
        assert by_name[name]["refused"]["value"] == 1.0, name
    assert by_name["blank"]["far"] == 0.0
    assert by_name["films inverted (corrected, not refused)"]["refused"]["value"] == 0.0
    assert all(by_name[name]["images"] == 1 for name in ORIENTATIONS)


def test_the_orientations_match_their_names(tmp_path: Path, normal_film: Any, encode: Any) -> None:
    path = tmp_path / "film.png"
    marked = normal_film.copy()
    marked[:75, :75] = 255
    path.write_bytes(encode(marked, "PNG"))
    corners = {}
    for name, position in ORIENTATIONS.items():
        [film] = reoriented([path], position)
        quarters = {"above left": film[:75, :75], "above right": film[:75, 75:], "below left": film[75:, :75]}
        corners[name] = next((place for place, part in quarters.items() if np.ptp(part) == 0), "below right")
    assert list(corners.values()) == ["below left", "below right", "above right", "below left", "above left"]


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_are_distinct_and_reproducible(name: str) -> None:
    pictures = list(PATTERNS[name]())
    assert {(picture.shape, picture.dtype.name) for picture in pictures} == {((SIDE, SIDE), "uint8")}
    assert len({picture.tobytes() for picture in pictures}) == len(pictures) >= 10
    assert [picture.tobytes() for picture in PATTERNS[name]()] == [picture.tobytes() for picture in pictures]


def test_an_inverted_film_counts_as_scored(predictor: Predictor, normal_film: Any) -> None:
    assert count_refusals(predictor, "inverted", [255 - normal_film]).counts == {"scored": 1}


@pytest.mark.parametrize(("hits", "images", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)])
def test_the_interval_is_valid_if_all_or_none_are_refused(hits: int, images: int, low: float, high: float) -> None:
    wanted = {"value": hits / images, "low": low, "high": high}
    assert wilson_interval(hits, images) == pytest.approx(wanted, abs=1e-4)


def test_no_images_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "Allowed: FOLDER, or --made FILMS" in capsys.readouterr().err


def test_an_unknown_model_is_reported_as_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--model", "no model"]) == 2
    assert "model_not_found" in capsys.readouterr().err
