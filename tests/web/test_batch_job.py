"""A batch on the page without the page: what it takes over, when it stops, when it is deleted."""

from __future__ import annotations

import csv
import gc
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from pneumonia import Failure, Prediction, Predictor
from pneumonia.errors import EmptyFile, PneumoniaError, TooLarge, UnreadableImage, UsageError
from pneumonia.web import batch_job, batch_text
from pneumonia.web.batch_job import BatchRow, Job, Jobs
from pneumonia.web.server.upload import Upload


@pytest.fixture
def jobs(predictor: Predictor) -> Iterator[Jobs]:
    made = Jobs(predictor)
    yield made
    for token in list(made._jobs):
        made.forget(token)


@pytest.fixture
def uploads(files: dict[str, Path]) -> list[Upload]:
    names = ["film.png", "broken.jpg", "turned.png", "film-without-extension"]
    return [Upload(files[name], name) for name in names]


@pytest.fixture
def archive(tmp_path: Path, files: dict[str, Path]) -> Upload:
    with zipfile.ZipFile(tmp_path / "stored-under-a-hash", "w") as made:
        made.write(files["film.png"], "ward/film.png")
        made.write(files["film.png"], "../film.png")
    return Upload(tmp_path / "stored-under-a-hash", "films.zip")


def finish(steps: Iterator[Any]) -> None:
    for _ in steps:
        pass


def soon(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within ten seconds."""
    for _ in range(500):
        if condition():
            return True
        time.sleep(0.02)
    return False


def table(job: Job) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(job.table.read_text(encoding="utf-8"), newline="")))


def test_every_film_gets_its_row(jobs: Jobs, uploads: list[Upload], archive: Upload, predictor: Predictor) -> None:
    token = jobs.begin([*uploads, archive], "confirm")
    finish(jobs.run(token))
    job = jobs.get(token)
    names = [upload.name for upload in uploads] + ["films.zip/ward/film.png", "films.zip/../film.png"]
    assert [seen.result.file for seen in job.seen] == names == [row["file"] for row in table(job)]
    assert job.seen[0].result == predictor.predict(uploads[0].path, "confirm", file="film.png")
    assert job.seen[4].result == replace(predictor.predict(uploads[0].path, "confirm"), file=names[4])
    failed = [seen.result.error.code for seen in job.seen if isinstance(seen.result, Failure)]
    assert failed == ["unreadable_image", "unreadable_image"]
    assert job.json_lines.read_text().count("\n") == len(names)
    assert job.counts.total() == len(names) and job.counts["failed"] == 2


def test_a_thumbnail_shows_the_film(jobs: Jobs, uploads: list[Upload], normal_film: Any) -> None:
    token = jobs.begin(uploads, "balanced")
    finish(jobs.run(token))
    import base64

    head, _, data = jobs.get(token).seen[0].thumbnail.partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as small:
        assert max(small.size) == batch_job.THUMBNAIL_SIDE
        expected = np.asarray(Image.fromarray(normal_film).resize(small.size)).astype(float)
        assert np.abs(np.asarray(small.convert("L")) - expected).mean() < 12
    assert jobs.get(token).seen[1].thumbnail == ""


def test_the_films_are_the_batchs_own_once_it_is_begun(jobs: Jobs, tmp_path: Path, files: dict[str, Path]) -> None:
    """Gradio deletes uploads by their age, also those of a batch that waits for its turn."""
    upload = Upload(tmp_path / "upload", "film.png")
    upload.path.write_bytes(files["film.png"].read_bytes())
    token = jobs.begin([upload, upload], "balanced")
    upload.path.unlink()
    finish(jobs.run(token))
    finish(jobs.report(token))
    assert jobs.get(token).counts.total() == 2 and jobs.get(token).counts["failed"] == 0


def test_an_upload_that_is_gone_before_is_told(jobs: Jobs, tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="waited too long"):
        jobs.begin([Upload(tmp_path / "gone", "film.png")], "balanced")


def test_what_cannot_begin_leaves_nothing(jobs: Jobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmptyFile):
        jobs.begin([], "balanced")
    with pytest.raises(UsageError):
        jobs.begin(uploads, "best")
    monkeypatch.setattr(batch_job, "MAX_FILMS", 3)
    with pytest.raises(TooLarge, match=r"Allowed: 3. Received: 4.*pneumonia batch"):
        jobs.begin(uploads, "balanced")
    monkeypatch.setenv("PNEUMONIA_MAX_UPLOAD_MB", "1")
    big = Upload(uploads[0].path.parent / "big", "big.png")
    big.path.write_bytes(bytes(600_000))
    with pytest.raises(TooLarge, match=r"Allowed: 1 MB. Received: 1.2 MB"):
        jobs.begin([big, big], "balanced")
    assert [path.name for path in jobs._root.iterdir()] == ["in-use"]


def test_a_zip_that_unpacks_to_too_much_is_an_error_row(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_UPLOAD_MB", "1")
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(3):
            made.writestr(f"{number}.png", bytes(900_000))
    token = jobs.begin([Upload(tmp_path / "bomb", "bomb.zip")], "balanced")
    finish(jobs.run(token))
    (seen,) = jobs.get(token).seen
    assert isinstance(seen.result, Failure) and seen.result.file == "bomb.zip"
    assert seen.result.error.code == "too_large"


def test_stop_keeps_what_is_done(jobs: Jobs, files: dict[str, Path]) -> None:
    token = jobs.begin([Upload(files["film.png"], f"{number}.png") for number in range(80)], "balanced")
    steps = jobs.run(token)
    next(steps)
    jobs.stop(token)
    finish(steps)
    job = jobs.get(token)
    assert 1 <= len(job.seen) < 80
    assert [row["file"] for row in table(job)] == [f"{number}.png" for number in range(len(job.seen))]
    assert f"Stopped after {len(job.seen)} of 80 films" in batch_text.done(job, 10)
    finish(jobs.report(token))
    with zipfile.ZipFile(job.reports) as made:
        assert len(made.namelist()) == len(job.seen)


def test_reports_are_made_for_films_with_an_answer(jobs: Jobs, uploads: list[Upload], archive: Upload) -> None:
    token = jobs.begin([*uploads, archive, replace(uploads[0], name="Żółw/../=1 2.png")], "screening")
    finish(jobs.run(token))
    finish(jobs.report(token))
    with zipfile.ZipFile(jobs.get(token).reports) as made:
        names = ["0001-film", "0003-turned", "0004-film-without-extension", "0005-film", "0007-1-2"]
        assert made.namelist() == [f"{name}.pdf" for name in names]
        (page,) = PdfReader(io.BytesIO(made.read("0003-turned.pdf"))).pages
    text = page.extract_text()
    assert "Unknown" in text and "screening" in text


def test_all_is_deleted_when_the_time_after_the_end_is_over(
    jobs: Jobs, uploads: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMONIA_RETENTION_S", "1")
    token = jobs.begin(uploads, "balanced")
    folder = jobs.get(token).folder
    steps = jobs.run(token)
    next(steps)
    time.sleep(1.5)  # longer than the retention: a batch that runs loses nothing
    finish(steps)
    assert jobs.get(token).counts.total() == len(uploads)
    finish(jobs.report(token))  # new work: the time begins anew
    assert soon(lambda: not folder.exists())
    with pytest.raises(EmptyFile, match="no such batch any more"):
        jobs.get(token)
    with pytest.raises(EmptyFile):
        finish(jobs.report(token))


def test_a_batch_that_is_forgotten_while_it_runs_ends_and_is_deleted(jobs: Jobs, files: dict[str, Path]) -> None:
    token = jobs.begin([Upload(files["film.png"], f"{number}.png") for number in range(80)], "balanced")
    job = jobs.get(token)
    steps = jobs.run(token)
    next(steps)
    jobs.forget(token)
    assert job.folder.exists()
    finish(steps)
    assert not job.folder.exists()


def test_a_browser_that_goes_away_ends_the_batch(jobs: Jobs, uploads: list[Upload]) -> None:
    token = jobs.begin(uploads, "balanced")
    steps: Any = jobs.run(token)
    next(steps)
    steps.close()
    job = jobs.get(token)
    assert (job.working, job.clock is not None) == (0, True)


def test_the_folder_goes_with_its_owner_and_what_a_killed_one_left_goes_with_the_next(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_job.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(batch_job.tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "pneumonia-batches-left"
    left.mkdir()
    (left / "in-use").touch()
    (left / "0").write_bytes(b"a film")
    first, second = Jobs(predictor), Jobs(predictor)
    assert not left.exists()
    assert first._root.exists() and second._root.exists()
    del first, second
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_batch_leaves_a_thread_for_single_films(predictor: Predictor) -> None:
    assert Jobs(predictor)._predictor.threads == max(1, predictor.threads - 1)
    assert Jobs(predictor)._predictor is not predictor


def _job(*seen: BatchRow) -> Job:
    return Job(Path("nowhere"), "balanced", [], list(seen))


def test_cells_tell_the_answer_without_colour_and_sort_by_number(predictor: Predictor) -> None:
    told: list[Prediction | Failure] = [
        Prediction("a.png", "Pneumonia", 0.9999, "balanced", None, None, predictor.model, ("Low resolution.",)),
        Prediction("b.png", "Normal", 0.0001, "balanced", None, None, predictor.model),
        Failure("<img src=x onerror=alert(1)>", UnreadableImage("It is damaged.")),
    ]
    rows = batch_text.cells(_job(*map(BatchRow, told)))
    assert [row[1:] for row in rows] == [
        [1, "▲ Pneumonia", 99, "a.png", "Low resolution."],
        [2, "● Normal", 1, "b.png", ""],
        [3, "✕ failed", None, "<img src=x onerror=alert(1)>", "unreadable_image: It is damaged."],
    ]
    assert len(batch_text.HEADERS) == len(batch_text.TYPES) == len(rows[0])
    assert [kind for kind in batch_text.TYPES if kind == "html"] == ["html"]


@pytest.mark.parametrize(
    ("done", "seconds", "left"),
    [(50, 10.0, "about 10 s left"), (10, 60.0, "about 9 min left"), (0, 0.0, "0 of 100 films<")],
)
def test_the_bar_tells_the_time_left(done: int, seconds: float, left: str) -> None:
    assert left in batch_text.bar(done, 100, "films", seconds)
    assert f'value="{done}"' in batch_text.bar(done, 100, "films", seconds)


def test_an_error_is_escaped() -> None:
    assert "<script>" not in batch_text.error_message(PneumoniaError("<script>"))
