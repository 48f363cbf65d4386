"""`POST /api/v1/predict-batch`: one line for each film, in order, while later films are computed."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pneumonia import Predictor
from pneumonia.web.rest import predict_batch, spool
from pneumonia.web.server import request_limits

from ...support.wait import until
from ..film_gate import FilmGate

PATH = "/api/v1/predict-batch"


def lines(reply: httpx.Response) -> list[dict[str, Any]]:
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/x-ndjson" and reply.headers["x-accel-buffering"] == "no"
    assert reply.text.endswith("\n")
    return [json.loads(line) for line in reply.text.splitlines()]


def parts(files: dict[str, Path], names: list[str]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (name, files[name].read_bytes())) for name in names]


def zip_of(files: dict[str, Path], members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, name in members.items():
            archive.write(files[name], member)
    return buffer.getvalue()


def test_each_film_has_its_line_in_order(rest: httpx.Client, predictor: Predictor, files: dict[str, Path]) -> None:
    names = ["film.png", "broken.jpg", "film.jpg", "empty.png", "turned.png", "film.png"]
    rows = lines(rest.post(PATH, files=parts(files, names), data={"operating_point": "confirm", "age": "30"}))
    assert [row["file"] for row in rows] == names
    expected = predictor.predict(files["film.png"], "confirm", age=30.0, file="film.png").as_dict()
    assert rows[0] == rows[5] == expected
    assert [row.get("error", {}).get("code") for row in rows[1:5]] == ["unreadable_image", None, "empty_file", None]


@pytest.mark.parametrize("memory_mb", [20, 0.01])
def test_films_in_zips_have_the_names_of_the_batch_tab(
    rest: httpx.Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, memory_mb: float
) -> None:
    monkeypatch.setattr(spool, "BODY_MEMORY_MB", memory_mb)
    content = zip_of(files, {"ward/film.png": "film.png", "../film.png": "film.png", "b.jpg": "broken.jpg"})
    in_form = rest.post(PATH, files=[*parts(files, ["film.jpg"]), ("files", ("night.ZIP", content))])
    assert [row["file"] for row in lines(in_form)] == [
        *("film.jpg", "night.ZIP/ward/film.png", "night.ZIP/../film.png", "night.ZIP/b.jpg")
    ]
    raw = lines(rest.post(PATH, content=content, headers={"Content-Type": "application/zip"}))
    assert [row["file"] for row in raw] == ["ward/film.png", "../film.png", "b.jpg"]
    assert [row.get("error", {}).get("code") for row in raw] == [None, "unreadable_image", "unreadable_image"]


def test_a_raw_film_is_a_batch_of_one(rest: httpx.Client, predictor: Predictor, files: dict[str, Path]) -> None:
    content = files["film.png"].read_bytes()
    assert lines(rest.post(PATH, content=content)) == [predictor.predict(content).as_dict()]


def test_a_call_without_films_is_refused_as_a_whole(
    rest: httpx.Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict_batch, "MAX_FILMS", 2)
    too_many = parts(files, ["film.png"] * 3)
    zipped = zip_of(files, {"1": "film.png", "2": "film.png", "3": "film.png"})
    for options, status, code in (
        ({"data": {"age": "3"}, "files": {"age": (None, b"3")}}, 400, "usage"),
        ({"files": {"age": (None, b"3")}}, 422, "empty_file"),
        ({"files": too_many}, 413, "too_large"),
        ({"content": zipped}, 413, "too_large"),
        ({"content": zipped[:-30]}, 422, "unreadable_image"),
        ({"files": parts(files, ["film.png"]), "params": {"age": "old"}}, 400, "usage"),
        ({"files": parts(files, ["film.png"]), "data": {"operating_point": "x"}}, 400, "usage"),
    ):
        reply = rest.post(PATH, **options)
        assert (reply.status_code, reply.json()["error"]["code"]) == (status, code), reply.text


def test_a_film_above_the_limit_has_an_error_and_the_others_an_answer(
    rest: httpx.Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_FILE_MB", "1")
    big = ("file", ("big.png", b"x" * 1_100_000))
    rows = lines(rest.post(PATH, files=[*parts(files, ["film.jpg"]), big, *parts(files, ["film.jpg"])]))
    assert [row.get("error", {}).get("code") for row in rows] == [None, "too_large", None]


def test_a_full_disk_while_a_zip_is_stored_is_507(
    rest: httpx.Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_path = Path.open

    def open_on_full_disk(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if mode == "xb":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return open_path(path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_on_full_disk)
    reply = rest.post(PATH, content=zip_of(files, {"a.png": "film.png"}))
    assert (reply.status_code, reply.json()["error"]["code"]) == (507, "disk_full")


def test_the_first_line_comes_while_later_films_wait(
    rest: httpx.Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = FilmGate(monkeypatch, free=6)
    with rest.stream("POST", PATH, files=parts(files, ["film.jpg"] * 8)) as reply:
        received = reply.iter_lines()
        assert json.loads(next(received))["file"] == "film.jpg"
        gate.open()
        assert len(list(received)) == 7


@pytest.mark.slow
def test_the_work_ends_when_the_caller_is_gone(
    rest: httpx.Client, address: str, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    gate = FilmGate(monkeypatch, free=6)

    def has_ended() -> bool:
        """One film more at a time, so that a late server does not answer all before it notices."""
        gate.open(1)
        return until(lambda: "batch id=" in caplog.text, 0.3)

    with caplog.at_level(logging.INFO, "pneumonia"):
        with (
            httpx.Client(base_url=address, timeout=60, trust_env=False) as gone,
            gone.stream("POST", PATH, files=parts(files, ["film.jpg"] * 200)) as reply,
        ):
            next(reply.iter_lines())
        assert until(has_ended)
        gate.open()
    assert gate.started < 100 and "internal error" not in caplog.text
    assert len(lines(rest.post(PATH, files=parts(files, ["film.jpg"])))) == 1


@pytest.mark.slow
def test_a_caller_who_does_not_read_is_left_and_delays_nobody(
    rest: httpx.Client, address: str, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """The films are answered at their pace, and the turn of the batch ends with them."""
    monkeypatch.setattr(request_limits, "BODY_TIMEOUT_S", 2)
    names = [f"{'long name ' * 20}{number}" for number in range(4_000)]
    form = [("file", (name, b"no film")) for name in names]
    with (
        caplog.at_level(logging.INFO, "pneumonia"),
        httpx.Client(base_url=address, timeout=60, trust_env=False) as slow,
        slow.stream("POST", PATH, files=form),
    ):
        assert until(lambda: "films=4000 outcomes=unsupported_format:4000" in caplog.text)
        assert len(lines(rest.post(PATH, files=parts(files, ["film.jpg"])))) == 1
        assert until(lambda: caplog.text.count("route=/api/v1/predict-batch status=200") == 2)


def test_batches_leave_no_file(rest: httpx.Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[str] = []
    temporary = predict_batch.TemporaryDirectory

    def record(**options: Any) -> Any:
        folder = temporary(**options)
        folders.append(folder.name)
        return folder

    monkeypatch.setattr(predict_batch, "TemporaryDirectory", record)
    lines(rest.post(PATH, content=zip_of(files, {"a.png": "film.png"})))
    [folder] = folders
    assert until(lambda: not os.path.exists(folder))


def test_the_form_may_arrive_in_any_pieces(rest: httpx.Client, files: dict[str, Path]) -> None:
    film = files["film.jpg"].read_bytes()
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: x\r\n\r\n'
    age = b'--b\r\nContent-Disposition: form-data; name="age"\r\n\r\n30\r\n'
    content = head + film + b"\r\n" + age + head + film + b"\r\n--b--\r\n"

    def pieces(size: int) -> Iterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    whole = lines(rest.post(PATH, content=content, headers=headers))
    assert whole[0] == whole[1] and whole[0]["age"] == 30
    for size in (977, 13):
        assert lines(rest.post(PATH, content=pieces(size), headers=headers)) == whole
