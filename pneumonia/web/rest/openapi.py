"""`GET /api/v1/openapi.json`: the description of the REST API by OpenAPI 3.1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from ... import __version__
from ...inference.decision import DEFAULT_POINT, MAX_AGE_YEARS
from ...languages import ENGLISH, LANGUAGES
from ..batch_job import MAX_FILMS
from ..server import gradio_environment, route_policy
from .result_kinds import KINDS, MEDIA_TYPES
from .schema import SCHEMAS, Schema

EXAMPLE_PREDICTION: dict[str, Any] = {
    "file": "film.dcm",
    "label": "Pneumonia",
    "confidence": 0.93,
    "probabilities": {"Normal": 0.07, "Pneumonia": 0.93},
    "operating_point": "balanced",
    "reason": None,
    "zones": {
        "right_upper": 0.04,
        "right_middle": 0.11,
        "right_lower": 0.52,
        "left_upper": 0.03,
        "left_middle": 0.1,
        "left_lower": 0.2,
    },
    "model": {"name": "embedded", "revision": "23cfdfc97554", "sha256": "92213c09d5ff…", "site": None},
    "population": "children",
    "age": 3.0,
    "age_source": "file",
    "prevalence": 0.3,
    "probability_at_prevalence": 0.85,
    "predictive_value": {"value": 0.86, "low": 0.79, "high": 0.9, "films": 624},
    "warnings": [],
}
EXAMPLE_UNKNOWN: dict[str, Any] = {
    **EXAMPLE_PREDICTION,
    "label": "Unknown",
    "confidence": None,
    "probabilities": None,
    "reason": {"code": "not_a_chest_film", "message": "Not recognised as a frontal chest film. The model was not run."},
    "zones": None,
    "population": None,
    "prevalence": None,
    "probability_at_prevalence": None,
    "predictive_value": None,
}
_MESSAGES = {
    "usage": "Invalid age. Allowed: 0 to 130 years. Received: 'three'.",
    "unauthorized": "The API token is wrong. Allowed: a token of PNEUMONIA_TOKENS.",
    "unreadable_image": "The upload was too slow. Allowed: 60 s plus 1 s per kB. Try again.",
    "too_large": "The request is too large. Allowed: 51 MB.",
    "unsupported_format": "Unsupported file format. Allowed: PNG, JPEG … or DICOM. Received: PDF.",
    "empty_file": "The file is empty.",
    "busy": "Too many films are waiting. Allowed: 64 at a time. Try again in a minute.",
    "internal": "Internal error; the film was not scored. Please report this id: 4f0c5b7a12de9031.",
    "disk_full": "The disk of the server is full. Free space, then add the films again.",
}
_ERRORS = {
    400: ("usage", "A parameter, the form or its encoding is wrong."),
    401: ("unauthorized", "No valid API token and no login."),
    403: ("usage", "The request comes from a page of another site."),
    405: ("usage", "The method is not allowed here; `Allow` lists those that are."),
    408: ("unreadable_image", "The body arrived too slowly."),
    413: ("too_large", "The body, or the number of films, exceeds a limit."),
    415: ("unsupported_format", "The file has none of the formats that are read."),
    422: ("empty_file", "The film cannot be read or used: `unreadable_image`, `empty_file`, `too_small`, "
          "`unsupported_dicom` or `no_pixels`; `too_large` for an image with too many pixels has 413."),
    429: ("busy", "Too many films wait. Try again after `Retry-After` seconds."),
    500: ("internal", "An error of the service, with the id of the request."),
    501: ("usage", "The packages for this kind of result are not installed."),
    503: ("busy", "The service is shutting down. Try again after `Retry-After` seconds."),
    507: ("disk_full", "The disk of the server is full."),
}  # fmt: skip
_FILM_ERRORS = (400, 401, 403, 405, 408, 413, 415, 422, 429, 500, 503, 507)
_BATCH_ERRORS = (400, 401, 403, 405, 408, 413, 422, 429, 500, 503, 507)

_DESCRIPTION = """Chest X-ray film in, Normal, Pneumonia or Unknown out. A support tool, not a replacement for a
radiologist. Keys may be added to any object; none is renamed or removed within `/api/v1`. Every response has the header
`X-Request-ID`, which is also in the log of the service."""


def describe(points: Sequence[str]) -> dict[str, Any]:
    """The description as JSON; `points` are the operating points of the served models."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chest X-ray assistant",
            "version": __version__,
            "description": " ".join(_DESCRIPTION.split()),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": gradio_environment.path_prefix() or "/"}],
        "security": [{}, {"token": []}],
        "paths": {
            route_policy.REST_PREDICT: {"post": _predict(points)},
            route_policy.REST_BATCH: {"post": _predict_batch(points)},
            route_policy.REST_RESULTS: {"post": _results(points)},
            f"{route_policy.REST}/model": {"get": _model()},
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of PNEUMONIA_TOKENS. Needed if the service has tokens or a login.",
                }
            },
        },
    }


def _predict(points: Sequence[str]) -> dict[str, Any]:
    fields = _film_fields(points)
    examples = {
        "pneumonia": {"summary": "An answer", "value": EXAMPLE_PREDICTION},
        "unknown": {"summary": "Unknown, with its reason", "value": EXAMPLE_UNKNOWN},
    }
    return {
        "operationId": "predict",
        "summary": "Answer one film",
        "description": "The film is the field `file` of a multipart form, or the body itself with any content type. "
        "The parameters stand in the address or in fields of the form.",
        "parameters": _query(fields),
        "requestBody": _film_body(fields),
        "responses": {
            "200": _content("The answer, Unknown included.", "application/json", _ref("Prediction"), examples),
            **_errors(_FILM_ERRORS),
        },
    }


def _predict_batch(points: Sequence[str]) -> dict[str, Any]:
    fields = _film_fields(points)
    form = _form(
        fields, {"type": "array", "items": _binary(), "minItems": 1, "description": "Films, and ZIPs of films."}
    )
    lines = "One JSON object per line and film, in their order: a Prediction, or an Error with the name of the film. "
    lines += "The first line comes while later films are computed. Members of a ZIP are called `name.zip/member`."
    rows = EXAMPLE_PREDICTION, _error_example("empty_file", "b.png")
    example = {"lines": {"summary": "Two films", "value": "\n".join(map(_compact, rows))}}
    return {
        "operationId": "predictBatch",
        "summary": "Answer many films",
        "description": "The films are the fields `file` of a multipart form, or the body is one ZIP. At most "
        f"{MAX_FILMS:,} films.",
        "parameters": _query(fields),
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": form}, "application/zip": {"schema": _binary()}},
        },
        "responses": {
            "200": _content(lines, "application/x-ndjson", {"type": "string"}, example),
            **_errors(_BATCH_ERRORS),
        },
    }


def _results(points: Sequence[str]) -> dict[str, Any]:
    kind = {
        "type": "string",
        "description": f"Kinds of result, separated by commas: {', '.join(KINDS)}. One kind: the file itself; several: "
        "a ZIP. All but `pdf` need a DICOM film; the DICOM kinds need the packages of requirements-hospital.txt.",
        "pattern": f"^({'|'.join(KINDS)})(,({'|'.join(KINDS)}))*$",
        "examples": ["dicom-sr"],
    }
    language = {
        "type": "string",
        "enum": list(LANGUAGES),
        "default": ENGLISH,
        "description": "Language of the texts in the result.",
    }
    fields = {**_film_fields(points), "language": language}
    query = [{"name": "kind", "in": "query", "required": True, "schema": kind}, *_query(fields)]
    files = {
        media_type: {"schema": _binary()} for media_type in dict.fromkeys([*MEDIA_TYPES.values(), "application/zip"])
    }
    errors = _errors((*_FILM_ERRORS, 501))
    return {
        "operationId": "results",
        "summary": "Make the result objects of one film",
        "description": "DICOM structured report, secondary capture, presentation state, encapsulated PDF, FHIR bundle, "
        "or the report as PDF. Patient attributes are copied from the film into its result objects. A DICOM film that "
        "cannot be scored has objects too: they state the error.",
        "parameters": query,
        "requestBody": _film_body(fields),
        "responses": {"200": {"description": "The file, or a ZIP of the files.", "content": files}, **errors},
    }


def _model() -> dict[str, Any]:
    return {
        "operationId": "model",
        "summary": "Describe the served models",
        "responses": {
            "200": _content("The models.", "application/json", _ref("Model")),
            **_errors((401, 403, 405, 500)),
        },
    }


def _film_fields(points: Sequence[str]) -> dict[str, Schema]:
    age = "The patient's age in years, which selects the model; by default that in the DICOM header."
    prevalence = "Share of pneumonia among comparable films of the site; by default that of the calibration films."
    return {
        "operating_point": {
            "type": "string",
            "enum": list(points),
            "default": DEFAULT_POINT,
            "description": "screening: fewest missed cases; confirm: fewest false alarms.",
        },
        "prevalence": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "description": prevalence},
        "age": {"type": "number", "minimum": 0, "maximum": MAX_AGE_YEARS, "description": age},
    }


def _query(fields: dict[str, Schema]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in fields.items()]


def _film_body(fields: dict[str, Schema]) -> dict[str, Any]:
    raw = ("application/dicom", "application/octet-stream", "image/png", "image/jpeg", "image/tiff")
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _form(fields, {**_binary(), "description": "The film."})},
            **{content_type: {"schema": _binary()} for content_type in raw},
        },
    }


def _form(fields: dict[str, Schema], file: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file, **fields},
        "additionalProperties": False,
    }


def _binary() -> Schema:
    return {"type": "string", "contentMediaType": "application/octet-stream"}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(
    description: str, media_type: str, schema: Schema, examples: dict[str, Any] | None = None
) -> dict[str, Any]:
    content = {"schema": schema, **({"examples": examples} if examples else {})}
    return {"description": description, "content": {media_type: content}}


def _errors(statuses: Sequence[int]) -> dict[str, Any]:
    return {str(status): _error(status) for status in statuses}


def _error(status: int) -> dict[str, Any]:
    code, description = _ERRORS[status]
    examples = {code: {"value": _error_example(code)}}
    response = _content(f"{_phrase(status)}. {description}", "application/json", _ref("Error"), examples)
    header = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
    names = {429: {"Retry-After": header}, 503: {"Retry-After": header}}
    return {**response, **({"headers": names[status]} if status in names else {})}


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def _error_example(code: str, file: str | None = None) -> dict[str, Any]:
    return {"file": file, "error": {"code": code, "message": _MESSAGES[code]}}


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
