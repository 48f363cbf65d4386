"""Validations of the page, without the page: files, stop, deletion."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.errors import Busy, DiskFull, EmptyFile, UsageError
from pneumonia.validation import report_folder
from pneumonia.validation.evaluate import Question
from pneumonia.web.lane import Lane
from pneumonia.web.server.upload import Upload
from pneumonia.web.validation_job import ALL_FILES, Labels, ValidationJobs
from pneumonia.web.validation_routes import validation_state

from ..support.wait import until
from .batch.batch_support import finish


@pytest.fixture
def jobs(predictor: Predictor) -> Iterator[ValidationJobs]:
    jobs = ValidationJobs(predictor, Lane())
    yield jobs
    for token in list(jobs._jobs):
        jobs.delete(token)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, write_films: Callable[..., Path]) -> Upload:
    root = write_films(tmp_path_factory.mktemp("own"), {"NORMAL": ["a.png", "b.png"], "PNEUMONIA": ["c.png"]})
    with zipfile.ZipFile(root / "own.zip", "w") as archive:
        for path in sorted(root.glob("*/*.png")):
            archive.write(path, f"{path.parent.name}/{path.name}")
    return Upload(root / "own.zip", "own.zip")


def folders(jobs: ValidationJobs) -> list[Path]:
    return [path for path in jobs._root.iterdir() if path.is_dir()]


def test_a_run_writes_files_and_deletion_removes_them(jobs: ValidationJobs, films: Upload) -> None:
    token = jobs.create([films], Labels(), Question())
    assert list(jobs.run(token)) == [1, 2, 3]
    job = jobs.get(token)
    assert set(job.downloads) == {"report.html", "report.pdf", "films.csv", "figures.json", ALL_FILES}
    assert "50 scored films" in job.site_note
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
    finish(run)
    job = jobs.get(token)
    assert job.validation is not None
    assert job.validation.figures["films"]["not_reached"] == 3 - len(job.results)


def test_deletion_during_a_run_waits_for_its_end(jobs: ValidationJobs, films: Upload) -> None:
    token = jobs.create([films], Labels(), Question())
    run = jobs.run(token)
    next(run)
    jobs.delete(token)
    assert len(folders(jobs)) == 1
    finish(run)
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


def test_a_task_runs_on_without_its_page_and_the_retention_time_starts_at_its_end(
    jobs: ValidationJobs, films: Upload
) -> None:
    token = jobs.create([films], Labels(), Question())
    with jobs.lane.turn(jobs.lane.join()), jobs.lane.turn(jobs.lane.join()):
        jobs.start(token)
        job = jobs.get(token)
        waiting = validation_state(job, 0)
        assert (waiting["state"], waiting["expires_at"], waiting["files"]) == ("waiting", None, [])
        assert jobs.unfinished() == 1
        with pytest.raises(Busy, match="in progress"):
            jobs.start(token)
    assert until(lambda: job.task is None)
    done = validation_state(job, 0)
    assert done["state"] == "done" and abs(done["expires_at"] - time.time() - 600) < 60
    assert "report.pdf" in done["files"] and 'class="verdict' in done["result"]
    assert validation_state(job, done["cursor"])["result"] is None, "the page has it"
    with pytest.raises(Busy):  # its figures are about one run
        jobs.start(token)


def test_a_task_that_is_stopped_before_its_turn_has_no_report(jobs: ValidationJobs, films: Upload) -> None:
    token = jobs.create([films], Labels(), Question())
    with jobs.lane.turn(jobs.lane.join()), jobs.lane.turn(jobs.lane.join()):
        jobs.start(token)
        jobs.stop(token)
        assert until(lambda: jobs.get(token).task is None)
    state = validation_state(jobs.get(token), 0)
    assert "there is no report" in state["progress"] and (state["result"], state["files"]) == ("", [])


def test_a_full_disk_ends_a_run_with_an_error_without_a_path(
    jobs: ValidationJobs, films: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[Path]:
        raise DiskFull("No space left for /srv/report.html.")

    monkeypatch.setattr(report_folder, "write_report", fail)
    token = jobs.create([films], Labels(), Question())
    jobs.start(token)
    job = jobs.get(token)
    assert until(lambda: job.task is None)
    progress = validation_state(job, 0)["progress"]
    assert "disk_full" in progress and "/srv" not in progress


def test_a_validation_of_another_user_does_not_exist(jobs: ValidationJobs, films: Upload) -> None:
    token = jobs.create([films], Labels(), Question(), owner="a")
    for owner in ("b", None):
        for look_up in (jobs.get, jobs.stop, jobs.start):
            with pytest.raises(EmptyFile, match="no longer exists"):
                look_up(token, owner)
    assert not jobs.get(token, "a").stop.is_set()
