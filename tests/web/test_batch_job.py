"""The page's batch jobs, without the page: import of uploads, stop, deletion."""

from __future__ import annotations

import csv
import errno
import gc
import io
import os
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from pneumonia import Failure, Prediction, Predictor
from pneumonia.batch.results import ResultTable
from pneumonia.errors import Busy, DiskFull, EmptyFile, PneumoniaError, TooLarge, UnreadableImage, UsageError
from pneumonia.web import batch_job, batch_routes, batch_steps, batch_text
from pneumonia.web.batch_job import Jobs
from pneumonia.web.batch_record import BatchRow, Job, Task
from pneumonia.web.lane import Lane, Ticket
from pneumonia.web.server.upload import Upload

from ..support.wait import until


@pytest.fixture
def jobs(predictor: Predictor) -> Iterator[Jobs]:
    jobs = Jobs(predictor)
    yield jobs
    for token in list(jobs._jobs):
        jobs.delete(token)


@pytest.fixture
def uploads(files: dict[str, Path]) -> list[Upload]:
    names = ["film.png", "broken.jpg", "turned.png", "film-without-extension"]
    return [Upload(files[name], name) for name in names]


@pytest.fixture
def archive(tmp_path: Path, files: dict[str, Path]) -> Upload:
    with zipfile.ZipFile(tmp_path / "stored-under-a-hash", "w") as archive:
        archive.write(files["film.png"], "ward/film.png")
        archive.write(files["film.png"], "../film.png")
    return Upload(tmp_path / "stored-under-a-hash", "films.zip")


def finish(steps: Iterator[Any]) -> None:
    for _ in steps:
        pass


def table(job: Job) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(job.table.read_text(encoding="utf-8-sig"), newline="")))


def test_every_film_gets_its_row(jobs: Jobs, uploads: list[Upload], archive: Upload, predictor: Predictor) -> None:
    token = jobs.create([*uploads, archive], "confirm")
    finish(jobs.run(token))
    job = jobs.get(token)
    names = [upload.name for upload in uploads] + ["films.zip/ward/film.png", "films.zip/../film.png"]
    assert [row.result.file for row in job.rows] == names == [cells["file"] for cells in table(job)]
    assert job.rows[0].result == predictor.predict(uploads[0].path, "confirm", file="film.png")
    assert job.rows[4].result == replace(predictor.predict(uploads[0].path, "confirm"), file=names[4])
    failed = [row.result.error.code for row in job.rows if isinstance(row.result, Failure)]
    assert failed == ["unreadable_image", "unreadable_image"]
    assert job.json_lines.read_text().count("\n") == len(names)
    assert job.counts.total() == len(names) and job.counts["failed"] == 2


def test_a_thumbnail_shows_the_film(jobs: Jobs, uploads: list[Upload], normal_film: Any) -> None:
    token = jobs.create(uploads, "balanced")
    finish(jobs.run(token))
    import base64

    head, _, data = jobs.get(token).rows[0].thumbnail.partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as small:
        assert max(small.size) == batch_steps.THUMBNAIL_SIDE
        expected = np.asarray(Image.fromarray(normal_film).resize(small.size)).astype(float)
        assert np.abs(np.asarray(small.convert("L")) - expected).mean() < 12
    assert jobs.get(token).rows[1].thumbnail == ""


def test_the_batch_owns_its_films_once_it_is_created(jobs: Jobs, tmp_path: Path, files: dict[str, Path]) -> None:
    """Gradio deletes uploads by age, including those of a queued batch."""
    upload = Upload(tmp_path / "upload", "film.png")
    upload.path.write_bytes(files["film.png"].read_bytes())
    token = jobs.create([upload, upload], "balanced")
    upload.path.unlink()
    finish(jobs.run(token))
    finish(jobs.make_reports(token))
    assert jobs.get(token).counts.total() == 2 and jobs.get(token).counts["failed"] == 0


def test_an_expired_upload_is_reported(jobs: Jobs, tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="expired"):
        jobs.create([Upload(tmp_path / "gone", "film.png")], "balanced")


def test_a_rejected_batch_leaves_no_files(jobs: Jobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmptyFile):
        jobs.create([], "balanced")
    with pytest.raises(UsageError):
        jobs.create(uploads, "best")
    monkeypatch.setattr(batch_job, "MAX_FILMS", 3)
    with pytest.raises(TooLarge, match=r"Allowed: 3. Received: 4.*pneumonia batch"):
        jobs.create(uploads, "balanced")
    monkeypatch.setenv("PNEUMONIA_MAX_UPLOAD_MB", "1")
    big = Upload(uploads[0].path.parent / "big", "big.png")
    big.path.write_bytes(bytes(600_000))
    with pytest.raises(TooLarge, match=r"Allowed: 1 MB. Received: 1.2 MB"):
        jobs.create([big, big], "balanced")
    assert [path.name for path in jobs._root.iterdir()] == ["in-use"]


def test_a_zip_that_unpacks_to_too_much_is_an_error_row(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_UPLOAD_MB", "1")
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.png", bytes(900_000))
    token = jobs.create([Upload(tmp_path / "bomb", "bomb.zip")], "balanced")
    finish(jobs.run(token))
    (row,) = jobs.get(token).rows
    assert isinstance(row.result, Failure) and row.result.file == "bomb.zip"
    assert row.result.error.code == "too_large"


def test_stop_keeps_the_completed_rows(jobs: Jobs, files: dict[str, Path]) -> None:
    token = jobs.create([Upload(files["film.png"], f"{number}.png") for number in range(80)], "balanced")
    steps = jobs.run(token)
    next(steps)
    jobs.stop(token)
    finish(steps)
    job = jobs.get(token)
    assert 1 <= len(job.rows) < 80
    assert [row["file"] for row in table(job)] == [f"{number}.png" for number in range(len(job.rows))]
    assert job.json_lines.read_text().count("\n") == len(job.rows)
    assert f"Stopped after {len(job.rows)} of 80 films" in batch_text.summary(job)
    jobs.start(token, "reports")
    assert until(lambda: job.task is None)
    with zipfile.ZipFile(job.reports) as reports:
        assert len(reports.namelist()) == len(job.rows)


def test_reports_are_created_for_films_with_a_prediction(jobs: Jobs, uploads: list[Upload], archive: Upload) -> None:
    token = jobs.create([*uploads, archive, replace(uploads[0], name="Żółw/../=1 2.png")], "screening")
    finish(jobs.run(token))
    finish(jobs.make_reports(token))
    with zipfile.ZipFile(jobs.get(token).reports) as reports:
        names = ["0001-film", "0003-turned", "0004-film-without-extension", "0005-film", "0007-1-2"]
        assert reports.namelist() == [f"{name}.pdf" for name in names]
        (page,) = PdfReader(io.BytesIO(reports.read("0003-turned.pdf"))).pages
    text = page.extract_text()
    assert "Unknown" in text and "screening" in text


def test_a_batch_is_deleted_when_its_retention_ends(
    jobs: Jobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
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
    jobs: Jobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shutdown came between its creation and its start."""
    monkeypatch.setattr(batch_job, "START_LIMIT_S", 1)
    started = jobs.create(uploads, "balanced")
    with jobs._active_step(started) as job:
        monkeypatch.setattr(batch_job, "START_LIMIT_S", 0.01)
        abandoned = jobs.create(uploads, "balanced")
        assert until(lambda: [path for path in jobs._root.iterdir() if path.is_dir()] == [job.folder])
        with pytest.raises(EmptyFile):
            jobs.start(abandoned)
        time.sleep(1.1)
        assert job.folder.exists()


def test_a_batch_that_is_deleted_while_it_runs_ends_first(jobs: Jobs, files: dict[str, Path]) -> None:
    token = jobs.create([Upload(files["film.png"], f"{number}.png") for number in range(80)], "balanced")
    job = jobs.get(token)
    steps = jobs.run(token)
    next(steps)
    jobs.delete(token)
    assert job.folder.exists()
    finish(steps)
    assert not job.folder.exists()


class _ExpiringJobs(dict[str, Job]):
    """Loses a batch right after its lookup, as if a timer had deleted it at this moment."""

    def __contains__(self, token: object) -> bool:
        is_present = super().__contains__(token)
        self.pop(str(token), None)
        return is_present


def test_a_batch_that_a_timer_deletes_during_a_lookup_is_no_key_error(jobs: Jobs, tmp_path: Path) -> None:
    for look_up in (jobs.get, jobs.stop, jobs.start):
        jobs._jobs = _ExpiringJobs(token=Job(tmp_path / "batch", "balanced", []))
        look_up("token")
        jobs._jobs.clear()
        with pytest.raises(EmptyFile):
            look_up("token")


def test_a_step_that_starts_during_the_deletion_keeps_its_files(
    jobs: Jobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = jobs.create(uploads, "balanced")
    deletion = threading.Thread(target=jobs.delete, args=[token])
    begin = jobs._begin_step

    def start_deletion_and_begin(job: Job) -> None:
        deletion.start()
        deletion.join(0.2)
        begin(job)

    monkeypatch.setattr(jobs, "_begin_step", start_deletion_and_begin)
    with jobs._active_step(token) as job:
        deletion.join()
        assert job.folder.exists() and job.films
    assert not job.folder.exists()


def test_a_timer_that_fires_when_a_step_starts_deletes_nothing(jobs: Jobs, uploads: list[Upload]) -> None:
    token = jobs.create(uploads, "balanced")
    with jobs._active_step(token) as job:
        jobs._expire(token)
        assert jobs.get(token) is job and not job.stop.is_set()
    jobs._expire(token)
    assert not job.folder.exists()


def test_the_end_of_one_step_leaves_the_files_of_another(jobs: Jobs, uploads: list[Upload]) -> None:
    token = jobs.create(uploads, "balanced")
    job = jobs.get(token)
    with jobs._active_step(token):
        with jobs._active_step(token):
            jobs.delete(token)
        assert job.folder.exists()
    assert not job.folder.exists()


def test_a_disconnected_browser_ends_the_batch(jobs: Jobs, uploads: list[Upload]) -> None:
    token = jobs.create(uploads, "balanced")
    steps: Any = jobs.run(token)
    next(steps)
    steps.close()
    job = jobs.get(token)
    assert (job.active_steps, job.timer is not None) == (0, True)


def test_the_folder_is_deleted_with_its_owner_and_a_stale_one_by_the_next(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_job.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(batch_job.tempfile, "tempdir", str(tmp_path))
    stale = tmp_path / "pneumonia-batches-left"
    stale.mkdir()
    (stale / "in-use").touch()
    (stale / "0").write_bytes(b"a film")
    first, second = Jobs(predictor), Jobs(predictor)
    assert not stale.exists()
    assert first._root.exists() and second._root.exists()
    del first, second
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_batch_leaves_a_thread_for_single_films(predictor: Predictor) -> None:
    assert Jobs(predictor).predictor.threads == max(1, predictor.threads - 1)
    assert Jobs(predictor).predictor is not predictor


def _job(*rows: BatchRow) -> Job:
    return Job(Path("nowhere"), "balanced", [], rows=list(rows))


def test_cells_show_the_answer_without_colour_and_sort_by_number(predictor: Predictor) -> None:
    low = ("Low resolution.",)
    patient: dict[str, Any] = {"population": "adults", "age": 54.2, "age_source": "file"}
    results: list[Prediction | Failure] = [
        Prediction("a.png", "Pneumonia", 0.9999, "balanced", None, None, predictor.models[0].identity, low, **patient),
        Prediction("b.png", "Normal", 0.0001, "balanced", None, None, predictor.models[0].identity),
        Failure("<img src=x onerror=alert(1)>", UnreadableImage("It is damaged.")),
    ]
    rows = [batch_text.row_cells(index, BatchRow(result)) for index, result in enumerate(results)]
    assert [[row[column.key] for column in batch_text.COLUMNS] for row in rows] == [
        [1, "▲ Pneumonia", 99, "Adults", "54, file", "a.png", "Low resolution."],
        [2, "● Normal", 1, "", "", "b.png", ""],
        [3, "✕ failed", None, "", "", "<img src=x onerror=alert(1)>", "unreadable_image: It is damaged."],
    ]
    assert [row["failed"] for row in rows] == [False, False, True]


@pytest.mark.parametrize(
    ("count", "seconds", "remaining"),
    [(50, 10.0, "about 10 s left"), (10, 60.0, "about 9 min left"), (0, 0.0, "0 of 100 films<")],
)
def test_the_bar_shows_the_remaining_time(count: int, seconds: float, remaining: str) -> None:
    task = Task("films", 100, Ticket(), count, time.monotonic() - seconds)
    assert remaining in batch_text.bar(task)
    assert f'value="{count}"' in batch_text.bar(task)


def test_an_error_is_escaped() -> None:
    assert "<script>" not in batch_text.error_message(PneumoniaError("<script>"))


@pytest.mark.parametrize("is_full_at_the_end", [False, True])
def test_a_full_disk_keeps_the_rows_so_far_and_offers_the_files_that_exist(
    jobs: Jobs, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, is_full_at_the_end: bool
) -> None:
    """The disk is full after the third film; then another program frees space before the end, or none does."""
    disk_full = DiskFull(
        "The disk is full; the rows so far stay in /server/results.jsonl.part. Continue with --resume."
    )

    def refuse(*_: object) -> None:
        raise disk_full

    def add_three(self: ResultTable, result: Prediction | Failure) -> None:
        if len(self) == 3:
            refuse()
        add(self, result)

    add = ResultTable.add
    monkeypatch.setattr(ResultTable, "add", add_three)
    if is_full_at_the_end:
        monkeypatch.setattr(ResultTable, "finish", refuse)
    token = jobs.create([Upload(files["film.png"], f"{number}.png") for number in range(9)], "balanced")
    jobs.start(token)
    job = jobs.get(token)
    assert until(lambda: job.task is None)
    state = batch_routes.batch_state(jobs, job, 0)
    progress = state["progress"]
    assert "The disk of the server is full" in progress and "/server" not in progress and "--resume" not in progress
    assert "Stopped after 3 of 9 films" in progress
    assert [row["file"] for row in state["rows"]] == ["0.png", "1.png", "2.png"]
    assert state["files"] == ([] if is_full_at_the_end else ["results.csv", "results.jsonl"])
    if not is_full_at_the_end:
        assert [row["file"] for row in table(job)] == ["0.png", "1.png", "2.png"]


def test_a_full_disk_during_the_import_is_reported_and_leaves_no_files(
    jobs: Jobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(shutil, "copyfile", refuse)
    with pytest.raises(DiskFull, match="The disk of the server is full"):
        jobs.create(uploads, "balanced")
    assert [path.name for path in jobs._root.iterdir()] == ["in-use"]


def run(jobs: Jobs, token: str, kind: Any = "films", indices: list[int] | None = None) -> Job:
    """Run a task of the batch to its end."""
    job = jobs.get(token)
    jobs.start(token, kind, indices=indices)
    assert until(lambda: job.task is None)
    return job


def test_a_task_runs_on_without_its_caller_and_the_retention_time_starts_at_its_end(
    jobs: Jobs, uploads: list[Upload]
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


def test_a_batch_has_one_task_at_a_time(jobs: Jobs, uploads: list[Upload]) -> None:
    token = jobs.create(uploads, "balanced")
    with jobs.lane.turn(jobs.lane.join()), jobs.lane.turn(jobs.lane.join()):
        jobs.start(token)
        for kind in ("films", "again", "reports"):
            with pytest.raises(Busy, match="in progress"):
                jobs.start(token, kind)
        jobs.stop(token)  # it does not wait for its turn any more
        assert until(lambda: jobs.get(token).task is None)
    assert jobs.get(token).rows == []


def test_a_page_receives_each_change_once(jobs: Jobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_routes, "MAX_ROWS", 3)
    job = run(jobs, jobs.create(uploads, "balanced"))
    first = batch_routes.batch_state(jobs, job, 0)
    second = batch_routes.batch_state(jobs, job, first["cursor"])
    assert [row["index"] for row in first["rows"] + second["rows"]] == [0, 1, 2, 3]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert batch_routes.batch_state(jobs, job, second["cursor"])["rows"] == []
    assert batch_routes.batch_state(jobs, job, 10**9)["rows"] == []


def test_a_failed_file_can_be_tried_again(
    jobs: Jobs, uploads: list[Upload], predictor: Predictor, monkeypatch: pytest.MonkeyPatch
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


def test_a_batch_of_another_user_does_not_exist(jobs: Jobs, uploads: list[Upload]) -> None:
    token = jobs.create(uploads, "balanced", owner="a")
    assert jobs.get(token, "a").owner == "a"
    for owner in ("b", None):
        for look_up in (jobs.get, jobs.stop):
            with pytest.raises(EmptyFile, match="no longer exists"):
                look_up(token, owner)
        with pytest.raises(EmptyFile):
            jobs.start(token, "films", owner)
    assert not jobs._jobs[token].stop.is_set()


def test_a_token_has_at_least_128_random_bits_and_is_no_name_of_a_folder(jobs: Jobs, uploads: list[Upload]) -> None:
    tokens = [jobs.create(uploads, "balanced") for _ in range(3)]
    assert len(set(tokens)) == 3 and batch_job.TOKEN_BYTES * 8 >= 128
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
        thread.join(10)
    assert order == [0, 1, 2]


def test_a_stop_of_all_batches_ends_their_tasks(
    jobs: Jobs, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
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
