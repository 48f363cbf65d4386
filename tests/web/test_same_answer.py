"""Page, endpoints, command line and both batches return the same JSON for a file, except for the file name."""

from __future__ import annotations

import base64
import html
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file

from pneumonia import Predictor
from pneumonia.web import film_session
from pneumonia.web.batch_job import BatchJobs
from pneumonia.web.server.upload import Upload
from tests.hostile.decompression_bombs import png_of
from tests.support.dicom_files import dicom as dicom_with_tags

from .visit import Visit, dicom

ROOT = Path(__file__).parents[2]
Answers = dict[str, dict[str, Any]]

CODES = {
    "broken.jpg": "unreadable_image",
    "empty.png": "empty_file",
    "page.png": "unsupported_format",
    "small.png": "too_small",
    "swollen.png": "too_large",
    "cut.dcm": "unreadable_image",
    "scan.dcm": "unsupported_dicom",
}
ANSWERED = ("film.png", "film.jpg", "deep.png", "film.dcm", "inverted.png", "turned.png", "coarse.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, large_film: Any, encode: Callable[..., bytes]) -> Path:
    """Films with every outcome, and files with every error of `CODES`."""
    folder = tmp_path_factory.mktemp("same")
    contents = {
        "film.png": encode(large_film, "PNG"),
        "film.jpg": encode(large_film, "JPEG", quality=92),
        "deep.png": encode(large_film.astype(np.uint16) * 16, "PNG"),
        "film.dcm": dicom(large_film),
        "inverted.png": encode(255 - large_film, "PNG"),
        "turned.png": encode(large_film.T.copy(), "PNG"),
        "coarse.png": encode(large_film[::8, ::8].copy(), "PNG"),
        "broken.jpg": b"\xff\xd8\xff\xe0 not a picture",
        "empty.png": b"",
        "page.png": b"<html><script>alert(1)</script></html>",
        "small.png": encode(large_film[:50, :50].copy(), "PNG"),
        "swollen.png": png_of(60_000, 60_000),
        "cut.dcm": dicom(large_film)[:50_000],
        "scan.dcm": dicom_with_tags(large_film, Modality="CT"),
    }
    assert set(contents) == {*CODES, *ANSWERED}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def expected(predictor: Predictor, folder: Path) -> Answers:
    """The predictor's own results by file name, without the key `file`."""
    paths = sorted(folder.iterdir())
    return {
        path.name: _without_file(result.as_dict())
        for path, result in zip(paths, predictor.predict_many(paths), strict=True)
    }


def _without_file(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in json.loads(json.dumps(answer)).items() if key != "file"}


def _by_name(lines: str) -> Answers:
    rows = [json.loads(line) for line in lines.splitlines()]
    return {Path(row["file"]).name: _without_file(row) for row in rows}


def _run_command(*arguments: object) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PNEUMONIA_")}
    command = [sys.executable, "-m", "pneumonia", *map(str, arguments)]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert process.returncode == 1, process.stderr
    return process.stdout


def test_the_files_cover_every_outcome_listed(expected: Answers) -> None:
    assert {name: answer["error"]["code"] for name, answer in expected.items() if "error" in answer} == CODES
    assert {expected[name]["label"] for name in ANSWERED} >= {"Normal", "Unknown"}
    assert expected["inverted.png"]["warnings"] and expected["coarse.png"]["warnings"]


def test_the_predict_endpoint_gives_the_answer_of_the_library(client: Client, folder: Path, expected: Answers) -> None:
    responses = {name: client.predict(handle_file(folder / name), api_name="/predict") for name in expected}
    assert {name: _without_file(answer) for name, answer in responses.items()} == expected
    assert all(answer["file"] == name for name, answer in responses.items())


def test_the_batch_endpoint_gives_the_answer_of_the_library(client: Client, folder: Path, expected: Answers) -> None:
    rows = client.predict([handle_file(folder / name) for name in expected], api_name="/predict_batch")
    assert {row["file"]: _without_file(row) for row in rows} == expected


def test_the_predict_command_gives_the_answer_of_the_library(folder: Path, expected: Answers) -> None:
    assert _by_name(_run_command("predict", "--json", *sorted(folder.iterdir()))) == expected


def test_a_batch_of_a_folder_gives_the_answers_of_the_library(folder: Path, expected: Answers, tmp_path: Path) -> None:
    _run_command("batch", folder, "--out", tmp_path / "results.csv", "--jsonl")
    assert _by_name((tmp_path / "results.jsonl").read_text()) == expected


def test_a_batch_of_a_zip_gives_the_answers_of_the_library(folder: Path, expected: Answers, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "films.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    _run_command("batch", tmp_path / "films.zip", "--out", tmp_path / "results.csv", "--jsonl")
    assert _by_name((tmp_path / "results.jsonl").read_text()) == expected


def test_a_batch_of_the_page_gives_the_answers_of_the_library(
    predictor: Predictor, folder: Path, expected: Answers
) -> None:
    jobs = BatchJobs(predictor)
    token = jobs.create([Upload(folder / name, name) for name in expected], "balanced")
    list(jobs.run(token))
    job = jobs.get(token)
    assert _by_name(job.json_lines.read_text()) == expected
    jobs.delete(token)


def test_the_page_gives_the_answer_of_the_library(predictor: Predictor, folder: Path, expected: Answers) -> None:
    """The JSON download of the page; for a file that fails, the code and the message on the page."""
    for name, answer in expected.items():
        session, headline, *_ = film_session.open_film(predictor, Upload(folder / name, name))
        if "error" in answer:
            assert session is None and answer["error"]["code"] in headline
            assert answer["error"]["message"] in html.unescape(headline)
            continue
        saved = film_session.as_json(predictor, session, "balanced")
        assert saved is not None
        assert _without_file(json.loads(base64.b64decode(saved["content"]))) == answer


@pytest.mark.slow  # the answer that the page saves is compared above, without a browser
@pytest.mark.browser
@pytest.mark.parametrize("name", ["film.dcm", "turned.png", "inverted.png"])
def test_a_browser_shows_the_answer_of_the_library(visit: Visit, folder: Path, expected: Answers, name: str) -> None:
    visit.drop(folder / name)
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Answer (JSON)").click()
    assert _without_file(json.loads(Path(download.value.path()).read_text())) == expected[name]
