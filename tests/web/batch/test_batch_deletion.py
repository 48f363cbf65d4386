"""When a batch is deleted: at the end of its retention time, with its owner, and not while a step uses its files."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pneumonia import Predictor
from pneumonia.errors import EmptyFile
from pneumonia.web import job_store
from pneumonia.web.batch_job import BatchJobs
from pneumonia.web.batch_record import BatchJob
from pneumonia.web.server.upload import Upload

from ...support.wait import until
from .batch_support import finish


def test_a_batch_is_deleted_when_its_retention_ends(
    jobs: BatchJobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMONIA_RETENTION_S", "1")
    token = jobs.create(uploads, "balanced")
    folder = jobs.get(token).folder
    steps = jobs.run(token)
    next(steps)
    time.sleep(1.1)  # longer than the retention time: a running batch loses nothing
    monkeypatch.setenv("PNEUMONIA_RETENTION_S", "600")
    finish(steps)
    assert jobs.get(token).counts.total() == len(uploads)
    monkeypatch.setenv("PNEUMONIA_RETENTION_S", "1")
    finish(jobs.make_reports(token))  # a new step restarts the retention time
    assert until(lambda: not folder.exists())
    with pytest.raises(EmptyFile, match="no longer exists"):
        jobs.get(token)
    with pytest.raises(EmptyFile):
        finish(jobs.make_reports(token))


def test_a_batch_that_never_starts_is_deleted(
    jobs: BatchJobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shutdown came between its creation and its start."""
    monkeypatch.setattr(job_store, "START_LIMIT_S", 1)
    started = jobs.create(uploads, "balanced")
    with jobs._active_step(started) as job:
        monkeypatch.setattr(job_store, "START_LIMIT_S", 0.01)
        abandoned = jobs.create(uploads, "balanced")
        assert until(lambda: [path for path in jobs._root.iterdir() if path.is_dir()] == [job.folder])
        with pytest.raises(EmptyFile):
            jobs.start(abandoned)
        time.sleep(1.1)
        assert job.folder.exists()


def test_a_batch_that_is_deleted_while_it_runs_ends_first(jobs: BatchJobs, files: dict[str, Path]) -> None:
    token = jobs.create([Upload(files["film.png"], f"{number}.png") for number in range(80)], "balanced")
    job = jobs.get(token)
    steps = jobs.run(token)
    next(steps)
    jobs.delete(token)
    assert job.folder.exists()
    finish(steps)
    assert not job.folder.exists()


class _ExpiringJobs(dict[str, BatchJob]):
    """Loses a batch right after its lookup, as if a timer had deleted it at this moment."""

    def __contains__(self, token: object) -> bool:
        is_present = super().__contains__(token)
        self.pop(str(token), None)
        return is_present


def test_a_batch_that_a_timer_deletes_during_a_lookup_is_no_key_error(jobs: BatchJobs, tmp_path: Path) -> None:
    for look_up in (jobs.get, jobs.stop, jobs.start):
        jobs._jobs = _ExpiringJobs(token=BatchJob(tmp_path / "batch", "balanced", []))
        look_up("token")
        jobs._jobs.clear()
        with pytest.raises(EmptyFile):
            look_up("token")


def test_a_step_that_starts_during_the_deletion_keeps_its_files(
    jobs: BatchJobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = jobs.create(uploads, "balanced")
    deletion = threading.Thread(target=jobs.delete, args=[token])
    begin = jobs._begin_step

    def start_deletion_and_begin(job: BatchJob) -> None:
        deletion.start()
        deletion.join(0.2)
        begin(job)

    monkeypatch.setattr(jobs, "_begin_step", start_deletion_and_begin)
    with jobs._active_step(token) as job:
        deletion.join()
        assert job.folder.exists() and job.films
    assert not job.folder.exists()


def test_a_timer_that_fires_when_a_step_starts_deletes_nothing(jobs: BatchJobs, uploads: list[Upload]) -> None:
    token = jobs.create(uploads, "balanced")
    with jobs._active_step(token) as job:
        jobs._expire(token)
        assert jobs.get(token) is job and not job.stop.is_set()
    jobs._expire(token)
    assert not job.folder.exists()


def test_the_end_of_one_step_leaves_the_files_of_another(jobs: BatchJobs, uploads: list[Upload]) -> None:
    token = jobs.create(uploads, "balanced")
    job = jobs.get(token)
    with jobs._active_step(token):
        with jobs._active_step(token):
            jobs.delete(token)
        assert job.folder.exists()
    assert not job.folder.exists()


def test_a_disconnected_browser_ends_the_batch(jobs: BatchJobs, uploads: list[Upload]) -> None:
    token = jobs.create(uploads, "balanced")
    steps: Any = jobs.run(token)
    next(steps)
    steps.close()
    job = jobs.get(token)
    assert (job.active_steps, job.timer is not None) == (0, True)


def test_the_folder_is_deleted_with_its_owner_and_a_stale_one_by_the_next(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_store.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(job_store.tempfile, "tempdir", str(tmp_path))
    stale = tmp_path / "pneumonia-batches-left"
    stale.mkdir()
    (stale / "in-use").touch()
    (stale / "0").write_bytes(b"a film")
    first, second = BatchJobs(predictor), BatchJobs(predictor)
    assert not stale.exists()
    assert first._root.exists() and second._root.exists()
    del first, second
    gc.collect()
    assert list(tmp_path.iterdir()) == []
