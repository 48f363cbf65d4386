"""Parts of the OpenAPI description that several operations use: contents, references, and the responses for errors."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from .examples import error_example
from .schema import Schema

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
"""HTTP status -> error code of its example, and when it is returned."""


def binary() -> Schema:
    """The schema of a file."""
    return {"type": "string", "contentMediaType": "application/octet-stream"}


def reference(name: str) -> Schema:
    """A reference to a schema of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(
    description: str, media_type: str, schema: Schema, examples: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A response with content of one media type."""
    media = {"schema": schema, **({"examples": examples} if examples else {})}
    return {"description": description, "content": {media_type: media}}


def error_responses(statuses: Sequence[int]) -> dict[str, Any]:
    """The responses for errors with these statuses."""
    return {str(status): _error(status) for status in statuses}


def _error(status: int) -> dict[str, Any]:
    code, description = _ERRORS[status]
    examples = {code: {"value": error_example(code)}}
    text = f"{HTTPStatus(status).phrase}. {description}"
    response = content(text, "application/json", reference("Error"), examples)
    header = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
    return {**response, **({"headers": {"Retry-After": header}} if status in {429, 503} else {})}
