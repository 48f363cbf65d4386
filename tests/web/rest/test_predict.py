"""`POST /api/v1/predict`: what a caller sends, and what each answer and error is."""

from __future__ import annotations

import gc
import io
import weakref
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from pneumonia import Failure, PneumoniaError, Predictor, errors
from pneumonia.web.rest import responses
from pneumonia.web.rest.film_call import Film, answer
from pneumonia.web.rest.parameters import FilmOptions

from ...support.wait import until
from .film_form import PATH, form


def test_a_form_and_a_raw_body_get_the_prediction_of_the_library(
    rest: httpx.Client, predictor: Predictor, files: dict[str, Path], dicom_film: bytes
) -> None:
    for content in (files["film.png"].read_bytes(), files["film.jpg"].read_bytes(), dicom_film):
        expected = predictor.predict(content).as_dict()
        in_form = rest.post(PATH, files=form(content, "Jürgen.dcm"))
        assert in_form.status_code == 200 and in_form.json() == {**expected, "file": "Jürgen.dcm"}
        for content_type in ("application/dicom", "image/png", "application/x-www-form-urlencoded", "x"):
            raw = rest.post(PATH, content=content, headers={"Content-Type": content_type})
            assert raw.status_code == 200 and raw.json() == expected


def test_options_are_parameters_of_the_address_or_fields_of_the_form(
    rest: httpx.Client, predictor: Predictor, files: dict[str, Path]
) -> None:
    content = files["film.png"].read_bytes()
    options: dict[str, Any] = {"operating_point": "screening", "prevalence": "0.1", "age": "30"}
    expected = predictor.predict(content, "screening", prevalence=0.1, age=30.0, file="film.png").as_dict()
    assert rest.post(PATH, files=form(content), params=options).json() == expected
    assert rest.post(PATH, files=form(content), data=options).json() == expected
    age_only = {"operating_point": "screening", "prevalence": " 1e-1 "}
    assert rest.post(PATH, files=form(content), params=age_only, data={"age": "30.0"}).json() == expected
    assert rest.post(PATH, files=form(content), params={"age": ""}).json()["age"] is None


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("age=abc", {}),
        ("age=-1", {}),
        ("age=nan", {}),
        ("age=131", {}),
        ("age=1_0", {}),
        ("prevalence=0", {}),
        ("prevalence=1", {}),
        ("prevalence=0,3", {}),
        ("prevalence=inf", {}),
        ("operating_point=best", {}),
        ("agee=3", {}),
        ("age=3&age=4", {}),
        ("age=3", {"age": "3"}),
        ("", {"patient": "Doe"}),
        ("", {"age": "9" * 2_000}),
        ("&".join(["age=3"] * 200), {}),
    ],
)
def test_a_wrong_option_is_400_and_never_ignored(
    rest: httpx.Client, files: dict[str, Path], query: str, data: dict[str, str]
) -> None:
    reply = rest.post(f"{PATH}?{query}", files=form(files["film.png"].read_bytes()), data=data)
    assert (reply.status_code, reply.json()["error"]["code"], reply.json()["file"]) == (400, "usage", None)
    assert len(reply.json()["error"]["message"]) < 200


def test_each_error_has_its_status(rest: httpx.Client, files: dict[str, Path], encode: Any, large_film: Any) -> None:
    film = files["film.png"].read_bytes()
    cases = [
        (b"", 422, "empty_file"),
        (b"\xff\xd8\xff\xe0 broken", 422, "unreadable_image"),
        (film[: len(film) // 2], 422, "unreadable_image"),
        (b"%PDF-1.7 x", 415, "unsupported_format"),
        (b'{"film": "base64"}', 415, "unsupported_format"),
        (encode(large_film[:40], "PNG"), 422, "too_small"),
    ]
    for content, status, code in cases:
        reply = rest.post(PATH, files=form(content, "a.png"))
        assert (reply.status_code, reply.json()["error"]["code"], reply.json()["file"]) == (status, code, "a.png")
        assert reply.headers["content-type"] == "application/json" and len(reply.headers["x-request-id"]) == 16


def test_every_code_of_a_film_has_a_status() -> None:
    def codes(root: type[PneumoniaError]) -> set[str]:
        return {root.code}.union(*map(codes, root.__subclasses__()))

    expected = codes(errors.FilmError) | {"usage", "busy", "internal", "disk_full", "unauthorized"}
    assert set(responses.STATUS) == expected


def test_the_log_names_neither_film_nor_option(
    rest: httpx.Client, files: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "pneumonia"):
        reply = rest.post(PATH, files=form(files["film.png"].read_bytes(), "Doe.png"), params={"age": "77"})
        assert until(lambda: "route=/api/v1/predict status=200" in caplog.text)  # it follows the response
    lines = [record.getMessage() for record in caplog.records if reply.headers["x-request-id"] in record.getMessage()]
    assert any("film id=" in line and "endpoint=/api/v1/predict format=PNG" in line for line in lines)
    assert any("route=/api/v1/predict status=200" in line for line in lines)
    assert "Doe" not in caplog.text and "age" not in "".join(lines)


def test_a_bug_is_500_with_the_id_of_the_request(
    rest: httpx.Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise KeyError("PatientName: Doe")

    monkeypatch.setattr(Predictor, "decide", fail)
    reply = rest.post(PATH, files=form(files["film.png"].read_bytes()))
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "internal")
    assert reply.headers["x-request-id"] in reply.json()["error"]["message"]
    assert "Doe" not in caplog.text + reply.text and "KeyError" in caplog.text


def test_a_zip_is_no_film(rest: httpx.Client, files: dict[str, Path]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(files["film.png"], "film.png")
    reply = rest.post(PATH, content=buffer.getvalue())
    assert (reply.status_code, reply.json()["error"]["code"]) == (415, "unsupported_format")


def test_a_refused_film_is_freed_without_the_garbage_collector(predictor: Predictor) -> None:
    """The frames of the error's traceback would hold its bytes."""
    film = Film("a.png", b"no film" * 1_000)
    reference = weakref.ref(film)
    gc.disable()
    try:
        result, _ = answer(predictor, film, FilmOptions(), PATH)
        del film
        assert isinstance(result, Failure) and reference() is None
    finally:
        gc.enable()
