"""`GET /api/v1/openapi.json`: the description of the REST API by OpenAPI 3.1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ... import __version__
from ...inference.decision import DEFAULT_POINT, MAX_AGE_YEARS
from ...languages import ENGLISH, LANGUAGES
from ...reporting.dicom.options import COMPREHENSIVE, SR_CLASSES
from ..batch_job import MAX_FILMS
from ..server import gradio_environment, route_policy
from .examples import EXAMPLE_PREDICTION, EXAMPLE_UNKNOWN, error_example
from .openapi_parts import binary, content, error_responses, reference
from .result_kinds import KINDS, MEDIA_TYPES
from .schema import SCHEMAS, Schema

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
            "200": content("The answer, Unknown included.", "application/json", reference("Prediction"), examples),
            **error_responses(_FILM_ERRORS),
        },
    }


def _predict_batch(points: Sequence[str]) -> dict[str, Any]:
    fields = _film_fields(points)
    form = _form(
        fields, {"type": "array", "items": binary(), "minItems": 1, "description": "Films, and ZIPs of films."}
    )
    lines = "One JSON object per line and film, in their order: a Prediction, or an Error with the name of the film. "
    lines += "The first line comes while later films are computed. Members of a ZIP are called `name.zip/member`."
    rows = EXAMPLE_PREDICTION, error_example("empty_file", "b.png")
    example = {
        "lines": {"summary": "Two films", "value": "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)}
    }
    return {
        "operationId": "predictBatch",
        "summary": "Answer many films",
        "description": "The films are the fields `file` of a multipart form, or the body is one ZIP. At most "
        f"{MAX_FILMS:,} films.",
        "parameters": _query(fields),
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": form}, "application/zip": {"schema": binary()}},
        },
        "responses": {
            "200": content(lines, "application/x-ndjson", {"type": "string"}, example),
            **error_responses(_BATCH_ERRORS),
        },
    }


def _results(points: Sequence[str]) -> dict[str, Any]:
    fields = {**_film_fields(points), "language": _language(), "sr_class": _sr_class()}
    query = [{"name": "kind", "in": "query", "required": True, "schema": _kind()}, *_query(fields)]
    files = {
        media_type: {"schema": binary()} for media_type in dict.fromkeys([*MEDIA_TYPES.values(), "application/zip"])
    } | {MEDIA_TYPES["fhir"]: {"schema": {"type": "object"}}}
    return {
        "operationId": "results",
        "summary": "Make the result objects of one film",
        "description": "DICOM structured report, secondary capture, presentation state, encapsulated PDF, FHIR bundle, "
        "or the report as PDF. Patient attributes are copied from the film into its result objects. A DICOM film that "
        "cannot be scored has objects too: they state the error.",
        "parameters": query,
        "requestBody": _film_body(fields),
        "responses": {
            "200": {"description": "The file, or a ZIP of the files.", "content": files},
            **error_responses((*_FILM_ERRORS, 501)),
        },
    }


def _kind() -> Schema:
    return {
        "type": "string",
        "description": f"Kinds of result, separated by commas: {', '.join(KINDS)}. One kind: the file itself; several: "
        "a ZIP. All but `pdf` need a DICOM film; the DICOM kinds need the packages of requirements-hospital.txt.",
        "pattern": f"^({'|'.join(KINDS)})(,({'|'.join(KINDS)}))*$",
        "examples": ["dicom-sr"],
    }


def _language() -> Schema:
    return {
        "type": "string",
        "enum": list(LANGUAGES),
        "default": ENGLISH,
        "description": "Language of the texts in the result.",
    }


def _sr_class() -> Schema:
    return {
        "type": "string",
        "enum": list(SR_CLASSES),
        "default": COMPREHENSIVE,
        "description": "SOP class of the structured report: Comprehensive SR, which more systems accept, or "
        "Comprehensive 3D SR, which IHE AI Results names. Other kinds of result do not depend on it.",
    }


def _model() -> dict[str, Any]:
    return {
        "operationId": "model",
        "summary": "Describe the served models",
        "responses": {
            "200": content("The models.", "application/json", reference("Model")),
            **error_responses((401, 403, 405, 500)),
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
            "multipart/form-data": {"schema": _form(fields, {**binary(), "description": "The film."})},
            **{content_type: {"schema": binary()} for content_type in raw},
        },
    }


def _form(fields: dict[str, Schema], file: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file, **fields},
        "additionalProperties": False,
    }
