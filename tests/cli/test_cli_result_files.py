"""Result files that `predict` and `batch` write."""

from __future__ import annotations

import errno
import json
import shutil
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage

from pneumonia import Predictor, cli
from pneumonia.cli import result_folders
from pneumonia.cli.result_names import nested_stem_of, stem_of
from pneumonia.errors import DiskFull
from pneumonia.reporting import result_files
from tests.support.source_films import HOSPITAL, hospital_film

from .conftest import FIELDS, rows

SC, SR, FHIR = "secondary-capture", "dicom-sr", "fhir"


@pytest.fixture
def films(tmp_path: Path, film: str) -> Path:
    """Two DICOM films of one name, a file that is none, and a film that is no DICOM file."""
    folder = tmp_path / "in"
    for name, uid in (("a/film.dcm", "1.2.3.1"), ("b/film.dcm", "1.2.3.2")):
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_bytes(hospital_film(SOPInstanceUID=uid))
    shutil.copy(film, folder / "c.png")
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def uid_of(path: Path) -> str:
    return str(dcmread(path).SOPInstanceUID)


def test_each_film_has_a_file_of_each_kind(films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    options = [argument for kind in result_files.KINDS for argument in (f"--{kind}", str(out / kind))]
    assert cli.main(["predict", str(films / "a" / "film.dcm"), "--json", *options, "--uid-root", "1.2.999"]) == 0
    printed, err = capsys.readouterr()
    assert (len(rows(printed)), err) == (1, "")
    for kind in result_files.KINDS:
        assert names(out / kind) == [f"film{result_files.SUFFIXES[kind]}"]
    assert uid_of(out / SC / "film.sc.dcm").startswith("1.2.999.")
    assert json.loads((out / FHIR / "film.fhir.json").read_bytes())["resourceType"] == "Bundle"


def test_the_uid_root_is_that_of_the_setting(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PNEUMONIA_UID_ROOT", "1.2.999")
    assert cli.main(["predict", str(films / "a" / "film.dcm"), "--dicom-sr", str(tmp_path / "out")]) == 0
    assert uid_of(tmp_path / "out" / "film.sr.dcm").startswith("1.2.999.")


@pytest.mark.parametrize("command", ["predict", "batch"])
def test_the_class_of_the_report_is_that_of_the_option(
    command: str, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = str(films / "a" / "film.dcm")
    classes = {}
    for option in ([], ["--sr-class", "comprehensive"], ["--sr-class", "comprehensive_3d"]):
        out = tmp_path / "-".join(["out", *option])
        table = ["--out", f"{out}.csv"] if command == "batch" else []
        assert cli.main([command, film, *table, "--dicom-sr", str(out), *option]) == 0
        (path,) = out.rglob("*.sr.dcm")
        classes[out.name] = dcmread(path).SOPClassUID
    assert list(classes.values()) == [ComprehensiveSRStorage, ComprehensiveSRStorage, Comprehensive3DSRStorage]


def test_a_class_of_the_report_that_does_not_exist_is_wrong_usage(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(films / "a" / "film.dcm"), "--dicom-sr", str(tmp_path / "out"), "--sr-class", "3d"]
    with pytest.raises(SystemExit) as exit_:
        cli.main(["predict", *arguments])
    assert exit_.value.code == 2
    assert "comprehensive_3d" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_film_that_is_no_dicom_file_keeps_its_answer(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = [str(films / "c.png"), "--json", "--secondary-capture", str(out), "--fhir", str(out)]
    assert cli.main(["predict", *arguments]) == 0
    printed, err = capsys.readouterr()
    assert set(rows(printed)[0]) == FIELDS
    assert "c.png: result files are missing" in err and "not a DICOM file" in err
    assert names(out) == ["c.fhir.json"]


def test_an_error_has_files_that_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(hospital_film()[:-1000])
    assert cli.main(["predict", str(damaged), "--json", "--secondary-capture", str(tmp_path / "out")]) == 1
    (row,) = rows(capsys.readouterr().out)
    assert row["error"]["code"] == "unreadable_image"
    assert dcmread(tmp_path / "out" / "damaged.sc.dcm").StudyInstanceUID == HOSPITAL["StudyInstanceUID"]


@pytest.mark.slow
def test_films_of_one_name_are_numbered_in_their_order_and_replaced_by_themselves_only(
    films: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first, second = (str(films / folder / "film.dcm") for folder in "ab")
    bundles = ["--fhir", str(tmp_path / "bundles")]
    assert cli.main(["predict", first, second, "--secondary-capture", str(out), *bundles]) == 0
    assert names(out) == ["film-2.sc.dcm", "film.sc.dcm"]
    uids = [uid_of(out / name) for name in names(out)]
    assert cli.main(["predict", first, second, "--secondary-capture", str(out), *bundles]) == 0
    assert [uid_of(out / name) for name in names(out)] == uids
    assert names(tmp_path / "bundles") == ["film-2.fhir.json", "film.fhir.json"]
    assert cli.main(["predict", second, "--secondary-capture", str(out)]) == 0  # another object: kept
    assert names(out) == ["film-2.sc.dcm", "film.sc.dcm"]
    assert [uid_of(out / name) for name in names(out)] == uids


def batch(films: Path, tmp_path: Path, *options: str) -> int:
    return cli.main(["batch", str(films), "--out", str(tmp_path / "table.csv"), "--workers", "1", *options])


def test_a_batch_writes_the_files_below_the_folders_of_the_films(films: Path, tmp_path: Path) -> None:
    out = films / "results"  # inside the folder of the films: its files are no films
    assert batch(films, tmp_path, "--secondary-capture", str(out)) == 0
    names_below = [PurePath(name).parts[-2:] for name in names(out)]
    assert names_below == [("a", "film.sc.dcm"), ("b", "film.sc.dcm")]
    assert batch(films, tmp_path, "--resume", "--secondary-capture", str(out)) == 0
    assert len((tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()) == 1 + 3


def test_a_resumed_batch_makes_the_files_that_are_missing(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert batch(films, tmp_path) == 0  # rows without files
    table = (tmp_path / "table.csv").read_bytes()
    assert batch(films, tmp_path, "--resume", "--secondary-capture", str(out)) == 0
    assert len(names(out)) == 2 and (tmp_path / "table.csv").read_bytes() == table
    (lost,) = [path for path in out.rglob("film.sc.dcm") if path.parent.name == "b"]
    lost.unlink()
    read: list[Any] = []
    original = Predictor.read

    def count_and_read(predictor: Predictor, source: Any, age: float | None = None) -> Any:
        read.append(source)
        return original(predictor, source, age)

    monkeypatch.setattr(Predictor, "read", count_and_read)
    assert batch(films, tmp_path, "--resume", "--secondary-capture", str(out)) == 0
    assert [Path(source).parent.name for source in read] == ["b"]
    assert lost.exists() and (tmp_path / "table.csv").read_bytes() == table


def test_a_full_disk_stops_the_batch_before_the_row(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The film whose files could not be written has no row, so the resumed run makes both."""
    out = tmp_path / "out"
    rename = result_folders.rename_file

    def fail_on_second(source: Path, target: Path) -> None:
        if target.parent.name == "b":
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(result_folders, "rename_file", fail_on_second)
    assert batch(films, tmp_path, "--secondary-capture", str(out)) == 2
    assert DiskFull.code in capsys.readouterr().err
    assert not list(out.glob(".results-*"))
    monkeypatch.undo()
    assert batch(films, tmp_path, "--resume", "--secondary-capture", str(out)) == 0
    assert len(names(out)) == 2
    assert len((tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()) == 1 + 3


@pytest.mark.slow
def test_a_file_that_cannot_be_named_fails_its_film_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / "a.dcm", tmp_path / f"{'x' * 251}.dcm", tmp_path / "b.dcm"]
    for path in paths:
        path.write_bytes(hospital_film())
    out = tmp_path / "out"
    assert cli.main(["predict", *map(str, paths), "--json", "--secondary-capture", str(out)]) == 1
    first, failed, last = rows(capsys.readouterr().out)
    assert (set(first), failed["error"]["code"], set(last)) == (FIELDS, "usage", FIELDS)
    assert names(out) == ["a.sc.dcm", "b.sc.dcm"]


def test_an_error_of_a_file_does_not_cost_the_answer(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("Doe^Jane")

    monkeypatch.setattr(result_files, "_create", fail)
    arguments = [str(films / "a" / "film.dcm"), "--json", "--secondary-capture", str(tmp_path / "out")]
    assert cli.main(["predict", *arguments]) == 1
    out, err = capsys.readouterr()
    assert set(rows(out)[0]) == FIELDS
    assert "The answer is not affected." in err and "Doe" not in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--dicom-sr", "{out}", "--uid-root", "1.02"], "Invalid UID root"),
        (["--dicom-sr", "{film}"], "cannot be created"),
    ],
)
def test_a_wrong_option_is_reported_before_a_film_is_read(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    film = str(films / "a" / "film.dcm")
    filled = [argument.format(out=tmp_path / "out", film=film) for argument in arguments]
    assert cli.main(["predict", film, *filled]) == 2
    out, err = capsys.readouterr()
    assert out == "" and expected in err


def test_the_films_are_not_mixed_with_the_results(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert batch(films, tmp_path, "--secondary-capture", str(films)) == 2
    assert "folder of films" in capsys.readouterr().err


def test_without_the_extra_the_option_names_the_requirements(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = lambda name: None if name == "highdicom" else find_spec(name)  # noqa: E731
    monkeypatch.setattr(result_files, "find_spec", missing)
    assert cli.main(["predict", str(films / "c.png"), "--dicom-sr", str(tmp_path / "out")]) == 2
    assert "requirements-hospital.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("film", "flat", "nested"),
    [
        ("in/a/film.dcm", "film", "in/a/film"),
        ("/data/x.dcm", "x", "data/x"),
        ("../../etc/film.dcm", "film", "etc/film"),
        ("films.zip/a/NUL.dcm", "NUL_", "films.zip/a/NUL_"),
        ("a:b/c?.dcm", "c_", "a_b/c_"),
    ],
)
def test_a_name_leads_to_no_other_folder(film: str, flat: str, nested: str) -> None:
    assert stem_of(film).as_posix() == flat
    assert nested_stem_of(film).as_posix() == nested
