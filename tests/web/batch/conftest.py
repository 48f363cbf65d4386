"""Batches and their uploads."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.web.batch_job import BatchJobs
from pneumonia.web.server.upload import Upload


@pytest.fixture
def jobs(predictor: Predictor) -> Iterator[BatchJobs]:
    jobs = BatchJobs(predictor)
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
