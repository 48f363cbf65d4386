"""Validations of the page, without the page: files, stop, deletion."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.errors import EmptyFile, UsageError
from pneumonia.validation.evaluate import Question
from pneumonia.web.lane import Lane
from pneumonia.web.server.upload import Upload
from pneumonia.web.validation_job import ALL_FILES, Labels, ValidationJobs


@pytest.fixture
def jobs(predictor: Predictor) -> Iterator[ValidationJobs]:
    jobs = ValidationJobs(predictor, Lane())
    yield jobs
    jobs._tempdir.delete()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, write_films: Callable[..., Path]) -> Upload:
    root = write_films(tmp_path_factory.mktemp("own"), {"NORMAL": ["a.png", "b.png"], "PNEUMONIA": ["c.png"]})
    with zipfile.ZipFile(root / "own.zip", "w") as archive:
        for path in sorted(root.glob("*/*.png")):
            archive.write(path, f"{path.parent.name}/{path.name}")
    return Upload(root / "own.zip", "own.zip")


def folders(jobs: ValidationJobs) -> list[Path]:
    return [path for path in jobs._tempdir.path.iterdir() if path.is_dir()]


def test_a_run_writes_files_and_deletion_removes_them(jobs: ValidationJobs, films: Upload) -> None:
    token = jobs.create([films], Labels(), Question())
    assert jobs.is_new(token)
    for job in jobs.run(token):
        assert job.stop.is_set() is False
    assert set(job.downloads) == {"report.html", "report.pdf", "films.csv", "figures.json", ALL_FILES}
    assert "50 scored films" in job.site_note and not jobs.is_new(token)
    jobs.delete(token)
    assert folders(jobs) == []
    with pytest.raises(EmptyFile, match="no longer exists"):
        jobs.get(token)


def test_a_preview_keeps_nothing(jobs: ValidationJobs, films: Upload) -> None:
    assert len(jobs.preview([films], Labels()).films) == 3
    assert folders(jobs) == []


def test_a_stopped_run_reports_the_films_so_far(jobs: ValidationJobs, films: Upload) -> None:
    token = jobs.create([films], Labels(), Question())
    run = jobs.run(token)
    next(run)
    jobs.stop(token)
    *_, job = run
    assert job.validation is not None
    assert job.validation.figures["films"]["not_reached"] == 3 - len(job.results)


def test_deletion_during_a_run_waits_for_its_end(jobs: ValidationJobs, films: Upload) -> None:
    token = jobs.create([films], Labels(), Question())
    run = jobs.run(token)
    next(run)
    jobs.delete(token)
    assert len(folders(jobs)) == 1
    run.close()  # as Gradio does when the browser disconnects
    assert folders(jobs) == []


def test_refused_inputs_leave_no_folder(jobs: ValidationJobs, films: Upload, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label\nz.png,1\n")
    (tmp_path / "empty.csv").write_text("")
    for table, error in (("labels.csv", EmptyFile), ("empty.csv", UsageError)):
        with pytest.raises(error):
            jobs.create([films], Labels(tmp_path / table), Question())
    with pytest.raises(UsageError):
        jobs.create([films], Labels(), Question(operating_point="none"))
    assert folders(jobs) == []
