"""The endpoints, called with `gradio_client` and over plain HTTP with `curl`."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

from pneumonia import Predictor

KEYS = [
    *("file", "label", "confidence", "probabilities", "operating_point", "reason", "zones", "sides", "image_zones"),
    "strongest_zones",
    *("model", "population"),
    *("age", "age_source", "prevalence", "probability_at_prevalence", "predictive_value", "warnings"),
]


def predict(client: Client, path: Path, **options: Any) -> Any:
    return client.predict(handle_file(path), api_name="/predict", **options)


@pytest.mark.parametrize("name", ["film.png", "film.jpg", "film-without-extension", "turned.png"])
def test_predict_returns_the_predictors_result(
    client: Client, predictor: Predictor, files: dict[str, Path], name: str
) -> None:
    response = predict(client, files[name])
    assert list(response) == KEYS
    assert response == predictor.predict(files[name], file=name).as_dict()


def test_a_refused_film_has_a_reason_and_no_probabilities(client: Client, files: dict[str, Path]) -> None:
    response = predict(client, files["turned.png"])
    assert response["label"] == "Unknown"
    assert response["reason"]["code"] in {"unlike_training_films", "not_a_chest_film"}
    assert (response["confidence"], response["probabilities"], response["zones"]) == (None, None, None)


@pytest.mark.parametrize(("name", "code"), [("broken.jpg", "unreadable_image"), ("empty.png", "empty_file")])
def test_a_bad_file_gets_an_error_object_and_never_raises(
    client: Client, files: dict[str, Path], name: str, code: str
) -> None:
    response = predict(client, files[name])
    assert response["file"] == name
    assert response["error"]["code"] == code


def test_the_operating_point_is_selected_by_name(client: Client, files: dict[str, Path]) -> None:
    assert predict(client, files["film.png"], operating_point="screening")["operating_point"] == "screening"
    rejected = predict(client, files["film.png"], operating_point="best")
    assert "screening, balanced, confirm" in rejected["error"]["message"]


@pytest.mark.parametrize("prevalence", [0.1, None, 0])
def test_the_prevalence_is_the_third_input_and_may_be_left_out(
    client: Client, predictor: Predictor, files: dict[str, Path], prevalence: float | None
) -> None:
    path = files["film.png"]
    expected = predictor.predict(path, prevalence=prevalence or None, file=path.name).as_dict()
    assert predict(client, path, prevalence=prevalence) == expected
    assert client.predict([handle_file(path)], "balanced", prevalence, api_name="/predict_batch") == [expected]


def test_an_impossible_prevalence_is_an_error_object(client: Client, files: dict[str, Path]) -> None:
    path = handle_file(files["film.png"])
    (row,) = client.predict([path], "balanced", 74, api_name="/predict_batch")
    for response in (predict(client, files["film.png"], prevalence=74), row):
        assert (response["file"], response["error"]["code"]) == ("film.png", "usage")


def test_a_batch_keeps_order_and_loses_nothing(client: Client, files: dict[str, Path]) -> None:
    names = ["film.png", "broken.jpg", "turned.png", "empty.png", "film.jpg"]
    rows = client.predict([handle_file(files[name]) for name in names], api_name="/predict_batch")
    assert [row["file"] for row in rows] == names
    assert rows == [predict(client, files[name]) for name in names]


def test_an_empty_batch_is_an_empty_list(client: Client) -> None:
    assert client.predict([], api_name="/predict_batch") == []


def test_analyze_returns_what_the_page_shows(client: Client, predictor: Predictor, files: dict[str, Path]) -> None:
    headline, bars, overlay, text = client.predict(handle_file(files["film.png"]), api_name="/analyze")
    prediction = predictor.predict(files["film.png"])
    assert prediction.label in headline
    assert {row["label"] for row in bars["confidences"]} == {"Normal", "Pneumonia"}
    assert (overlay is None) == (prediction.label == "Normal")
    assert len(text) > 200


def test_analyze_of_a_bad_file_returns_the_error(client: Client, files: dict[str, Path]) -> None:
    headline, _, overlay, text = client.predict(handle_file(files["broken.jpg"]), api_name="/analyze")
    assert "unreadable_image" in headline
    assert (overlay, text) == (None, "")


def test_model_returns_the_description_of_the_predictor(client: Client, predictor: Predictor) -> None:
    response = client.predict(api_name="/model")
    assert response == json.loads(json.dumps(predictor.describe()))


def test_the_public_endpoints_and_their_parameters_match_the_contract(client: Client) -> None:
    described: Any = client.view_api(return_format="dict")
    endpoints = described["named_endpoints"]
    assert set(endpoints) == {"/predict", "/analyze", "/predict_batch", "/model", "/dicom_results"}
    names = [parameter["parameter_name"] for parameter in endpoints["/predict"]["parameters"]]
    assert names[1:] == ["operating_point", "prevalence", "age"]
    for endpoint in ("/predict", "/predict_batch", "/dicom_results"):
        _, point, prevalence, age = endpoints[endpoint]["parameters"]
        assert (age["parameter_name"], age["parameter_has_default"], age["parameter_default"]) == ("age", True, None)
        assert (point["parameter_has_default"], point["parameter_default"]) == (True, "balanced")
        assert (prevalence["parameter_has_default"], prevalence["parameter_default"]) == (True, None)
    film, age = endpoints["/analyze"]["parameters"]
    assert (film["parameter_has_default"], age["parameter_name"], age["parameter_has_default"]) == (False, "age", True)
    assert described["unnamed_endpoints"] == {}


@pytest.mark.parametrize(("age", "code"), [(3, None), (0, "age_not_covered"), (10.5, "age_not_covered"), (-1, "usage")])
def test_the_age_is_the_last_input(client: Client, files: dict[str, Path], age: float, code: str | None) -> None:
    """An infant's age 0 is an age, unlike a prevalence of 0."""
    response = predict(client, files["film.png"], age=age)
    (listed,) = client.predict([handle_file(files["film.png"])], age=age, api_name="/predict_batch")
    assert listed == response
    received = (response.get("reason") or response.get("error") or {}).get("code")
    assert received == code or (code is None and received == "inconclusive")
    if code != "usage":
        assert (response["age"], response["age_source"]) == (age, "stated")
    headline, *_ = client.predict(handle_file(files["film.png"]), age, api_name="/analyze")
    assert ("Invalid age" in headline) is (code == "usage")
    assert (f"Age {int(age)} as stated" in headline) is (age >= 2)


@pytest.mark.parametrize(
    "optional_inputs", [[], ["balanced"], ["balanced", None], ["balanced", 0.1], ["balanced", 0.1, None]]
)
def test_plain_http_gives_the_same_answer(
    client: Client, address: str, files: dict[str, Path], optional_inputs: list[Any]
) -> None:
    """Upload, call, read the event stream, as the documentation shows with curl. The last inputs are optional."""
    path = files["film.png"]
    upload = ["curl", "-s", "-F", f"files=@{path}", f"{address}/gradio_api/upload"]
    stored = json.loads(subprocess.run(upload, capture_output=True, check=True).stdout)[0]
    file = {"path": stored, "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
    body = json.dumps({"data": [file, *optional_inputs]}).encode()
    request = urllib.request.Request(f"{address}/gradio_api/call/predict", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        event = json.load(reply)["event_id"]
    with urllib.request.urlopen(f"{address}/gradio_api/call/predict/{event}", timeout=60) as stream:
        lines = stream.read().decode().splitlines()
    answer = json.loads(next(line for line in reversed(lines) if line.startswith("data: "))[len("data: ") :])[0]
    assert answer == predict(client, path, prevalence=optional_inputs[1] if optional_inputs[1:] else None)


def test_the_command_line_gives_the_same_answer(client: Client, files: dict[str, Path]) -> None:
    command = [sys.executable, "-m", "pneumonia", "predict", "--json", "film.png"]
    process = subprocess.run(command, cwd=files["film.png"].parent, env=_package_path(), capture_output=True, text=True)
    assert json.loads(process.stdout) == predict(client, files["film.png"])


def test_a_file_name_with_html_is_accepted(client: Client, files: dict[str, Path]) -> None:
    name = '<b>odd name & "co".png'
    assert predict(client, files[name])["label"] in {"Normal", "Pneumonia", "Unknown"}


def _package_path() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
