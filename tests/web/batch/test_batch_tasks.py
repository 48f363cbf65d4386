"""The tasks of a batch: they run on without the page, one at a time, for one user, and are tried again."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pneumonia import Predictor
from pneumonia.errors import Busy, EmptyFile
from pneumonia.web import batch_routes, job_store
from pneumonia.web.batch_job import BatchJobs
from pneumonia.web.batch_record import BatchJob
from pneumonia.web.lane import Lane
from pneumonia.web.server.upload import Upload

from ...support.wait import until
from .batch_support import table


def run(jobs: BatchJobs, token: str, kind: Any = "films", indices: list[int] | None = None) -> BatchJob:
    """Run a task of the batch to its end."""
    job = jobs.get(token)
    jobs.start(token, kind, indices=indices)
    assert until(lambda: job.task is None)
    return job


def test_a_task_runs_on_without_its_caller_and_the_retention_time_starts_at_its_end(
    jobs: BatchJobs, uploads: list[Upload]
) -> None:
    token = jobs.create(uploads, "balanced")
    with jobs.lane.turn(jobs.lane.join()), jobs.lane.turn(jobs.lane.join()):
        jobs.start(token)
        job = jobs.get(token)
        waiting = batch_routes.batch_state(jobs, job, 0)
        assert (waiting["state"], waiting["expires_at"], waiting["files"]) == ("waiting", None, [])
        assert jobs.unfinished() == 1
    assert until(lambda: job.task is None)
    assert len(job.rows) == len(uploads) and jobs.unfinished() == 0
    done = batch_routes.batch_state(jobs, job, 0)
    assert done["state"] == "done" and abs(done["expires_at"] - time.time() - 600) < 60
    assert done["files"] == ["results.csv", "results.jsonl"]


def test_a_batch_has_one_task_at_a_time(jobs: BatchJobs, uploads: list[Upload]) -> None:
    token = jobs.create(uploads, "balanced")
    with jobs.lane.turn(jobs.lane.join()), jobs.lane.turn(jobs.lane.join()):
        jobs.start(token)
        for kind in ("films", "again", "reports"):
            with pytest.raises(Busy, match="in progress"):
                jobs.start(token, kind)
        jobs.stop(token)  # it does not wait for its turn any more
        assert until(lambda: jobs.get(token).task is None)
    assert jobs.get(token).rows == []


def test_a_page_receives_each_change_once(
    jobs: BatchJobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_routes, "MAX_ROWS", 3)
    job = run(jobs, jobs.create(uploads, "balanced"))
    first = batch_routes.batch_state(jobs, job, 0)
    second = batch_routes.batch_state(jobs, job, first["cursor"])
    assert [row["index"] for row in first["rows"] + second["rows"]] == [0, 1, 2, 3]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert batch_routes.batch_state(jobs, job, second["cursor"])["rows"] == []
    assert batch_routes.batch_state(jobs, job, 10**9)["rows"] == []


def test_a_failed_file_can_be_tried_again(
    jobs: BatchJobs, uploads: list[Upload], predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first film failed for a reason that has passed, the second is damaged."""
    read = Predictor.read
    failing = {0}

    def read_or_fail(predictor: Predictor, source: Any, age: float | None = None) -> Any:
        if failing:
            failing.pop()
            raise Busy("The server has no more memory.")
        return read(predictor, source, age)

    monkeypatch.setattr(Predictor, "read", read_or_fail)
    token = jobs.create(uploads, "balanced")
    job = run(jobs, token)
    assert job.failed_indices() == [0, 1]
    run(jobs, token, "reports")
    cursor = len(job.changes)
    run(jobs, token, "again", [0, 2, 99])  # only failed files are tried again
    assert job.changes[cursor:] == [0]
    assert job.failed_indices() == [1] and job.rows[0].thumbnail
    assert not job.reports.exists(), "the reports lack the film"
    run(jobs, token, "again")
    assert job.changes[cursor:] == [0, 1]
    assert [row["file"] for row in table(job)] == [upload.name for upload in uploads]
    assert [row["label"] for row in table(job)][0] == predictor.predict(uploads[0].path).label
    assert job.json_lines.read_text().count("\n") == len(uploads)
    assert len(list(job.folder.glob("tables-*"))) == 1


def test_a_batch_of_another_user_does_not_exist(jobs: BatchJobs, uploads: list[Upload]) -> None:
    token = jobs.create(uploads, "balanced", owner="a")
    assert jobs.get(token, "a").owner == "a"
    for owner in ("b", None):
        for look_up in (jobs.get, jobs.stop):
            with pytest.raises(EmptyFile, match="no longer exists"):
                look_up(token, owner)
        with pytest.raises(EmptyFile):
            jobs.start(token, "films", owner)
    assert not jobs._jobs[token].stop.is_set()


def test_a_token_has_at_least_128_random_bits_and_is_no_name_of_a_folder(
    jobs: BatchJobs, uploads: list[Upload]
) -> None:
    tokens = [jobs.create(uploads, "balanced") for _ in range(3)]
    assert len(set(tokens)) == 3 and job_store.TOKEN_BYTES * 8 >= 128
    assert all(token not in str(jobs.get(token).folder) for token in tokens)


def test_the_lane_is_in_order_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_QUEUE_SIZE", "3")
    lane, order = Lane(width=1), []
    with lane.turn(lane.join()):
        tickets = [lane.join() for _ in range(3)]
        assert [lane.count_ahead(ticket) for ticket in tickets] == [0, 1, 2]
        with pytest.raises(Busy, match="Allowed: 3"):
            lane.join()

        def take_turn(number: int) -> None:
            with lane.turn(tickets[number]):
                order.append(number)

        threads = [threading.Thread(target=take_turn, args=[number]) for number in (2, 1, 0)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        assert order == []
    for thread in threads:
        thread.join(60)
    assert order == [0, 1, 2]


def test_a_stop_of_all_batches_ends_their_tasks(
    jobs: BatchJobs, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, is_stopped = Predictor.read, threading.Event()

    def wait_and_read(*arguments: Any) -> Any:
        assert is_stopped.wait(60)
        return read(*arguments)

    monkeypatch.setattr(Predictor, "read", wait_and_read)
    token = jobs.create([Upload(files["film.png"], f"{number}.png") for number in range(80)], "balanced")
    jobs.start(token)
    jobs.stop_all()
    is_stopped.set()
    assert until(lambda: jobs.unfinished() == 0)
    assert len(jobs.get(token).rows) < 80
