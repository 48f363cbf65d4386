"""The page's batch jobs, without the page: import of uploads, rows, stop, reports, full disks."""

from __future__ import annotations

import errno
import io
import os
import shutil
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from pneumonia import Failure, Prediction, Predictor
from pneumonia.batch.results import ResultTable
from pneumonia.errors import DiskFull, EmptyFile, PneumoniaError, TooLarge, UnreadableImage, UsageError
from pneumonia.web import batch_job, batch_routes, batch_steps, batch_text
from pneumonia.web.batch_job import BatchJobs
from pneumonia.web.batch_record import BatchRow
from pneumonia.web.job_store import Task
from pneumonia.web.lane import Ticket
from pneumonia.web.server.upload import Upload

from ...support.wait import until
from .batch_support import finish, table


def test_every_film_gets_its_row(jobs: BatchJobs, uploads: list[Upload], archive: Upload, predictor: Predictor) -> None:
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


def test_a_thumbnail_shows_the_film(jobs: BatchJobs, uploads: list[Upload], normal_film: Any) -> None:
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


def test_the_batch_owns_its_films_once_it_is_created(jobs: BatchJobs, tmp_path: Path, files: dict[str, Path]) -> None:
    """Gradio deletes uploads by age, including those of a queued batch."""
    upload = Upload(tmp_path / "upload", "film.png")
    upload.path.write_bytes(files["film.png"].read_bytes())
    token = jobs.create([upload, upload], "balanced")
    upload.path.unlink()
    finish(jobs.run(token))
    finish(jobs.make_reports(token))
    assert jobs.get(token).counts.total() == 2 and jobs.get(token).counts["failed"] == 0


def test_an_expired_upload_is_reported(jobs: BatchJobs, tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="expired"):
        jobs.create([Upload(tmp_path / "gone", "film.png")], "balanced")


def test_a_rejected_batch_leaves_no_files(
    jobs: BatchJobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
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
    jobs: BatchJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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


def test_stop_keeps_the_completed_rows(jobs: BatchJobs, files: dict[str, Path]) -> None:
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


def test_reports_are_created_for_films_with_a_prediction(
    jobs: BatchJobs, uploads: list[Upload], archive: Upload
) -> None:
    token = jobs.create([*uploads, archive, replace(uploads[0], name="Żółw/../=1 2.png")], "screening")
    finish(jobs.run(token))
    finish(jobs.make_reports(token))
    with zipfile.ZipFile(jobs.get(token).reports) as reports:
        names = ["0001-film", "0003-turned", "0004-film-without-extension", "0005-film", "0007-1-2"]
        assert reports.namelist() == [f"{name}.pdf" for name in names]
        (page,) = PdfReader(io.BytesIO(reports.read("0003-turned.pdf"))).pages
    text = page.extract_text()
    assert "Unknown" in text and "screening" in text


def test_a_batch_leaves_a_thread_for_single_films(predictor: Predictor) -> None:
    assert BatchJobs(predictor).predictor.threads == max(1, predictor.threads - 1)
    assert BatchJobs(predictor).predictor is not predictor


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
    jobs: BatchJobs, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, is_full_at_the_end: bool
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
    jobs: BatchJobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(shutil, "copyfile", refuse)
    with pytest.raises(DiskFull, match="The disk of the server is full"):
        jobs.create(uploads, "balanced")
    assert [path.name for path in jobs._root.iterdir()] == ["in-use"]
