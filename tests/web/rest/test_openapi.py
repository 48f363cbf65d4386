"""The OpenAPI description: valid, equal to what the service answers, and shown as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from pneumonia import Failure, Predictor
from pneumonia.errors import Busy
from pneumonia.web.rest import openapi, schema
from pneumonia.web.server import route_policy

from .conftest import REUSE

POINTS = ("screening", "balanced", "confirm")


@pytest.fixture(scope="module")
def rest(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{address}/api/v1", timeout=60, trust_env=False, limits=REUSE) as client:
        yield client


def validate(value: Any, name: str) -> None:
    jsonschema.Draft202012Validator(schema.SCHEMAS[name]).validate(value)


def test_the_schemas_are_valid_and_so_are_the_examples() -> None:
    for each in schema.SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(each)
    description = openapi.describe(POINTS)
    assert description["openapi"] == "3.1.0"
    for methods in description["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                for content in response["content"].values():
                    name = content["schema"].get("$ref", "").rpartition("/")[2]
                    for example in content.get("examples", {}).values():
                        values = [example["value"]] if name else map(json.loads, example["value"].splitlines())
                        for value in values:
                            validate(value, name or ("Error" if "error" in value else "Prediction"))


def test_the_schema_of_a_prediction_has_its_keys(
    rest: httpx.Client, predictor: Predictor, files: dict[str, Path]
) -> None:
    def keys(value: Any) -> Any:
        return {key: keys(inner) for key, inner in value.items()} if isinstance(value, dict) else None

    def schema_keys(value: Any) -> Any:
        inner = next((each for each in value.get("anyOf", [value]) if "properties" in each), None)
        return None if inner is None else {key: schema_keys(each) for key, each in inner["properties"].items()}

    film = files["film.png"].read_bytes()
    prediction = predictor.predict(film, age=4.0).as_dict()
    expected = schema_keys(schema.PREDICTION)
    assert set(prediction) == set(expected)
    answers = [rest.post("/predict", content=files[name].read_bytes()).json() for name in ("film.png", "turned.png")]
    for answer in [prediction, *answers]:
        validate(answer, "Prediction")
        for key, value in keys(answer).items():
            assert value is None or value == expected[key], key
    assert keys(Failure("a", Busy("b")).as_dict()) == schema_keys(schema.ERROR)


def test_real_answers_match_the_schemas(rest: httpx.Client, files: dict[str, Path], dicom_film: bytes) -> None:
    contents = [path.read_bytes() for path in files.values()] + [dicom_film]
    for content in contents:
        reply = rest.post("/predict", files={"file": content}, params={"prevalence": 0.2})
        validate(reply.json(), "Prediction" if reply.status_code == 200 else "Error")
    rows = rest.post("/predict-batch", files=[("file", (str(n), content)) for n, content in enumerate(contents)])
    for line in rows.text.splitlines():
        validate(json.loads(line), "Error" if "error" in json.loads(line) else "Prediction")
    validate(rest.get("/model").json(), "Model")
    for reply in (rest.get("/nothing"), rest.get("/predict"), rest.post("/predict?age=x", content=b"x")):
        validate(reply.json(), "Error")


def test_every_address_is_described_and_every_description_has_an_address(rest: httpx.Client) -> None:
    description = rest.get("/openapi.json").json()
    rules = {rule.name for rule in route_policy.ROUTE_RULES if rule.name.startswith(route_policy.REST)}
    addresses = {"/api/v1/predict", "/api/v1/predict-batch", "/api/v1/results", "/api/v1/model"}
    assert set(description["paths"]) == addresses == rules - {f"{route_policy.REST}/docs"}
    for path, methods in description["paths"].items():
        allowed = httpx.options(str(rest.base_url).replace("/api/v1/", "") + path, timeout=60).headers["allow"]
        assert {method.upper() for method in methods} == set(allowed.split(", ")) - {"HEAD", "OPTIONS"}


def test_the_prefix_of_a_proxy_is_in_the_address_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert openapi.describe(POINTS)["servers"] == [{"url": "/"}]
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/films")
    assert openapi.describe(POINTS)["servers"] == [{"url": "/films"}]


def test_the_page_shows_every_parameter_key_and_status_without_script_and_other_servers(rest: httpx.Client) -> None:
    reply = rest.get("/docs")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    text = reply.text
    assert "<script" not in text and "http://" not in text and text.count("https://") == text.count("https://HOST/")
    for key in (
        "predictive_value.films",
        "probabilities.Pneumonia",
        "zones.right_lower",
        "error.code",
        "operating_point",
    ):
        assert f"<code>{key}</code>" in text
    assert all(f"<td>{status}</td>" in text for status in (200, 400, 401, 413, 415, 422, 429, 500, 503))
    assert "`" not in text
