"""Every documented limit, tested at the limit and one beyond it, unless another test file does so.

Pixels, sides, file size and the low-resolution warning: `test_model_input.py` and `test_refusals.py`. Scans, tags,
tiles and images of one file: `tests/hostile/test_hostile.py`.
"""

from __future__ import annotations

import math
import queue
import struct
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Failure, Prediction, Predictor, batch, imaging
from pneumonia.batch import zip_members
from pneumonia.errors import TooLarge, UnreadableImage, UsageError
from pneumonia.inference import hub_download
from pneumonia.inference.decision import check_prevalence
from pneumonia.inference.model import Model
from pneumonia.reporting import pdf_report
from pneumonia.web import batch_job
from pneumonia.web.batch_job import BatchJobs
from pneumonia.web.server.upload import Upload
from tests.hostile.decompression_bombs import png_of
from tests.support.dicom_files import dicom
from tests.web.visit import running

Grey = npt.NDArray[np.uint8]
Encode = Callable[..., bytes]


def test_the_default_limit_of_pixels_to_the_pixel() -> None:
    """8,000 x 10,000 reaches the decoder, which reports damage; one more column does not."""
    with pytest.raises(UnreadableImage):
        imaging.read(png_of(8_000, 10_000))
    with pytest.raises(TooLarge, match=r"Allowed: 80,000,000 pixels\. Received: 8001 x 10000\."):
        imaging.read(png_of(8_001, 10_000))


@pytest.mark.parametrize("as_dicom", [False, True])
def test_the_default_limit_of_bytes_to_the_byte(as_dicom: bool, predictor: Predictor, encode: Encode) -> None:
    film = np.full((200, 200), 90, np.uint8)

    def sized(size: int) -> bytes:
        if not as_dicom:
            return encode(film, "PNG").ljust(size, b"\0")
        data = dicom(film)
        padding = size - len(data) - 12
        return data + struct.pack("<HH2sHL", 0xFFFC, 0xFFFC, b"OB", 0, padding) + bytes(padding)

    at_the_limit, beyond = predictor.predict_many([sized(50_000_000), sized(50_000_001)])
    assert isinstance(at_the_limit, Prediction)
    assert isinstance(beyond, Failure)
    assert beyond.error.as_dict() == {
        "code": "too_large",
        "message": "The file is too large. Allowed: 50 MB. Received: 50.0 MB.",
    }


@pytest.fixture
def make_zip(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    def zip_of(members: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(tmp_path / "films.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return tmp_path / "films.zip"

    return zip_of


def test_a_member_of_a_zip_has_the_limit_of_a_file(
    make_zip: Callable[[dict[str, bytes]], Path],
    predictor: Predictor,
    encode: Encode,
    large_film: Grey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_FILE_MB", "1")
    film = encode(large_film, "PNG")
    path = make_zip({"at.png": film.ljust(1_000_000, b"\0"), "beyond.png": film.ljust(1_000_001, b"\0")})
    at, beyond = predictor.predict_many(batch.films_in_zip(path, "films.zip"))
    assert isinstance(at, Prediction)
    assert isinstance(beyond, Failure) and beyond.error.code == "too_large"


def test_a_zip_has_the_limit_of_an_upload_when_unpacked(make_zip: Callable[[dict[str, bytes]], Path]) -> None:
    path = make_zip({f"{number}.png": bytes(500_000) for number in range(2)})
    assert len(zip_members.list_members(path, max_bytes=1_000_000)) == 2
    with pytest.raises(TooLarge):
        zip_members.list_members(path, max_bytes=999_999)


def test_members_of_a_zip_are_counted_to_the_last(
    make_zip: Callable[[dict[str, bytes]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_zip({f"{number}.png": b"" for number in range(4)})
    monkeypatch.setattr(zip_members, "MAX_MEMBERS", 4)
    assert len(zip_members.list_members(path)) == 4
    monkeypatch.setattr(zip_members, "MAX_MEMBERS", 3)
    with pytest.raises(TooLarge, match="Allowed: 3"):
        zip_members.list_members(path)


def test_a_batch_on_the_page_takes_five_thousand_films_and_not_one_more(
    predictor: Predictor, make_zip: Callable[[dict[str, bytes]], Path]
) -> None:
    assert batch_job.MAX_FILMS == 5_000
    jobs = BatchJobs(predictor)
    path = make_zip({f"{number}.png": b"x" for number in range(4_999)})
    one = Upload(path.with_name("one.png"), "one.png")
    one.path.write_bytes(b"x")
    token = jobs.create([Upload(path, "films.zip"), one], "balanced")
    assert len(jobs.get(token).films) == 5_000
    jobs.delete(token)
    with pytest.raises(TooLarge, match=r"Allowed: 5,000\. Received: 5,001\."):
        jobs.create([Upload(path, "films.zip"), one, one], "balanced")


def test_the_uploads_of_a_batch_have_their_limit_together(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_UPLOAD_MB", "1")
    (tmp_path / "half").write_bytes(bytes(500_000))
    (tmp_path / "more").write_bytes(bytes(500_001))
    half, more = (Upload(tmp_path / name, name) for name in ("half", "more"))
    jobs = BatchJobs(predictor)
    jobs.delete(jobs.create([half, half], "balanced"))
    with pytest.raises(TooLarge, match="Allowed: 1 MB"):
        jobs.create([half, more], "balanced")


def test_an_upload_over_the_limit_is_answered_with_413(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over HTTP, as a client sends it: a body of the maximum size is accepted, one byte more is not."""
    monkeypatch.setenv("PNEUMONIA_MAX_UPLOAD_MB", "1")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with running(predictor) as url:
        assert _upload(url, 1_000_000) == 200
        assert _upload(url, 1_000_001) == 413


def _upload(url: str, size: int) -> int:
    head = b'--limit\r\nContent-Disposition: form-data; name="files"; filename="film.png"\r\n\r\n'
    body = head + bytes(size) + b"\r\n--limit--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=limit"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{url}/gradio_api/upload", body, kind), timeout=60
        ) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("share", [math.nextafter(0, 1), 0.5, math.nextafter(1, 0), None])
def test_a_prevalence_lies_between_0_and_1(share: float | None) -> None:
    check_prevalence(share)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.1, math.nan, math.inf])
def test_a_prevalence_of_0_or_1_is_none(share: float) -> None:
    with pytest.raises(UsageError, match="above 0 and below 1"):
        check_prevalence(share)


def test_a_prevalence_next_to_its_limits_gives_a_legal_answer(predictor: Predictor, normal_film: Grey) -> None:
    for share in (math.nextafter(0, 1), math.nextafter(1, 0)):
        probabilities = predictor.predict(normal_film, prevalence=share).probabilities
        assert probabilities is not None
        assert all(0 <= value <= 1 for value in probabilities.values())


def test_a_note_on_a_report_has_two_hundred_letters_and_not_one_more(predictor: Predictor, normal_film: Grey) -> None:
    prediction = predictor.predict(normal_film)
    assert pdf_report.render_pdf(normal_film, prediction, None, note="x" * 200).startswith(b"%PDF")
    with pytest.raises(UsageError, match=r"Allowed: 200 characters\. Received: 201\."):
        pdf_report.render_pdf(normal_film, prediction, None, note="x" * 201)


def test_threads_are_one_or_more(predictor: Predictor) -> None:
    assert Predictor([Model(predictor.models[0].bundle, 1)]).threads == 1
    with pytest.raises(UsageError, match="Received: 0"):
        Predictor([Model(predictor.models[0].bundle, 0)])


def test_a_download_times_out_at_its_limits_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a simulated clock: progress at the last moment counts."""

    class Clock:
        now = 0.0

    def download_with_polls(seconds: float, grows: Any) -> None:
        """Simulate an endless download that is polled every `seconds`; `grows` returns the size of its folder."""

        class EmptyQueue:
            def put(self, outcome: object) -> None: ...

            def get(self, timeout: float) -> None:
                Clock.now += seconds
                raise queue.Empty

        Clock.now = 0.0
        # In this module only: threads of other tests have queues and times, too.
        monkeypatch.setattr(hub_download, "queue", SimpleNamespace(SimpleQueue=EmptyQueue, Empty=queue.Empty))
        monkeypatch.setattr(hub_download, "time", SimpleNamespace(monotonic=lambda: Clock.now))
        monkeypatch.setattr(hub_download, "_folder_size", grows)
        hub_download._run_while_growing(lambda: (tmp_path, ""), tmp_path, 10)

    with pytest.raises(TimeoutError, match="no progress for 10 s"):
        download_with_polls(5.0, lambda folder: 0)
    assert Clock.now == 15, "ten seconds are allowed, more are not"
    with pytest.raises(TimeoutError, match="not complete after 300 s"):
        download_with_polls(10.0, lambda folder: int(Clock.now))
    assert Clock.now == 310, "three hundred seconds are allowed, more are not"
