"""Heat maps that `predict --heatmap` writes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from pneumonia import Predictor, cli
from tests.support.systems import restricted_user

from .conftest import FIELDS, WriteFilms, rows


def test_a_heatmap_has_the_size_of_the_film(film: str, tmp_path: Path) -> None:
    out = tmp_path / "maps" / "deep"
    assert cli.main(["predict", film, "--heatmap", str(out)]) == 0
    [path] = out.iterdir()
    assert path.suffix == ".png" and path.name.startswith("film")
    with Image.open(path) as overlay, Image.open(film) as original:
        assert (overlay.format, overlay.size) == ("PNG", original.size)


def test_the_heatmap_of_an_inverted_film_shows_it_corrected(film: str, tmp_path: Path) -> None:
    inverted = tmp_path / "inverted.png"
    with Image.open(film) as upright:
        ImageOps.invert(upright).save(inverted)
    out = tmp_path / "maps"
    assert cli.main(["predict", film, str(inverted), "--heatmap", str(out)]) == 0
    assert len({path.read_bytes() for path in out.iterdir()}) == 1
    assert len(list(out.iterdir())) == 2


def test_films_of_one_name_from_two_folders_keep_both_heatmaps(tmp_path: Path, write_films: WriteFilms) -> None:
    write_films(tmp_path, {"a": ["film.png"], "b": ["film.png", "film.jpg"]})
    paths = [str(tmp_path / name) for name in ("a/film.png", "b/film.png", "b/film.jpg")]
    out = tmp_path / "maps"
    assert cli.main(["predict", *paths, "--heatmap", str(out)]) == 0
    assert len({path.read_bytes() for path in out.iterdir()}) == 3


def test_a_film_that_was_not_scored_has_no_heatmap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blank = tmp_path / "blank.png"
    Image.fromarray(np.full((200, 200), 128, np.uint8)).save(blank)
    assert cli.main(["predict", str(blank), "--json", "--heatmap", str(tmp_path / "maps")]) == 0
    out, err = capsys.readouterr()
    assert len(rows(out)) == 1
    assert "no heatmap" in err
    assert not list((tmp_path / "maps").iterdir())


def test_each_film_is_read_and_scored_once_with_heatmaps(
    film: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_films = []
    read = Predictor.read

    def count_and_read(predictor: Predictor, source: Any, age: float | None = None) -> Any:
        read_films.append(source)
        return read(predictor, source, age)

    monkeypatch.setattr(Predictor, "read", count_and_read)
    assert cli.main(["predict", film, film, "--heatmap", str(tmp_path / "maps")]) == 0
    assert read_films == [film, film]
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["film-2.heatmap.png", "film.heatmap.png"]


def test_a_heatmap_whose_name_is_too_long_fails_its_film_only(
    film: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long_name = str(tmp_path / f"{'x' * 251}.png")
    shutil.copy(film, long_name)
    assert cli.main(["predict", film, long_name, film, "--json", "--heatmap", str(tmp_path / "maps")]) == 1
    out, err = capsys.readouterr()
    first, failed, last = rows(out)
    assert (set(first), set(last), err) == (FIELDS, FIELDS, "")
    assert (failed["file"], failed["error"]["code"]) == (long_name, "usage")
    assert failed["error"]["message"].startswith("The heat map cannot be written: File name too long. Received: ")
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["film-2.heatmap.png", "film.heatmap.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_heatmap_on_a_full_disk_fails_its_film_only(
    film: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second heat map is written to `/dev/full`, which raises the error of a full disk."""
    targets = iter([None, "/dev/full", None])
    save = Image.Image.save

    def save_second_to_full_disk(image: Image.Image, path: Path, **options: Any) -> None:
        full_disk = next(targets)
        if full_disk:
            with open(full_disk, "wb", buffering=0) as file:
                save(image, file, format="PNG", **options)
        save(image, path, **options)

    monkeypatch.setattr(Image.Image, "save", save_second_to_full_disk)
    monkeypatch.setenv("PNEUMONIA_THREADS", "1")
    assert cli.main(["predict", film, film, film, "--json", "--heatmap", str(tmp_path / "maps")]) == 1
    first, failed, last = rows(capsys.readouterr().out)
    assert (set(first), set(last)) == (FIELDS, FIELDS)
    assert failed == {"file": film, "error": {"code": "disk_full", "message": failed["error"]["message"]}}
    assert len(list((tmp_path / "maps").iterdir())) == 2


@restricted_user
def test_a_read_only_heatmap_folder_is_wrong_usage(
    film: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "maps").mkdir(mode=0o500)
    assert cli.main(["predict", film, "--heatmap", str(tmp_path / "maps")]) == 2
    assert capsys.readouterr().err.startswith("usage: The folder cannot be ")


def test_a_heatmap_folder_that_is_a_file_is_wrong_usage(film: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", film, "--heatmap", film]) == 2
    err = capsys.readouterr().err
    assert "internal" not in err
    assert film in err
