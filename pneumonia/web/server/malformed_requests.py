"""Requests that Gradio cannot read: it fails with an exception of its own, which is no error of the service.

These are an upload whose field is no file, a call by names (`/call/v2`) with names that the endpoint does not have, a
call with a file that has not the form of one, a body that is not the JSON of its route, and a download of several
ranges. Their routes run no code of this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ...errors import UsageError
from . import route_policy

_CALL_BY_NAMES = "/gradio_api/call/v2/"


def usage_error(scope: Scope, error: Exception) -> UsageError | None:
    """The error of the caller for which Gradio raised `error`; None if it is an error of the service."""
    path = route_policy.path_of(scope)
    if scope["method"] != "POST" or not isinstance(error, TypeError):
        return None
    if path == route_policy.UPLOAD:
        return UsageError("A field of the upload is no file. Allowed: fields `files`, each with a file name.")
    if path.startswith(_CALL_BY_NAMES):
        return UsageError(
            "Wrong names of parameters. Allowed: those of /gradio_api/info, of which the film is required."
        )
    return None


async def invalid_body(_: Request, error: Exception) -> Response:
    """422 for a body that is not the JSON of its route. FastAPI's own response quotes the body."""
    text = "The body of the call is invalid. Allowed: JSON with the keys that docs/api.md describes."
    return route_policy.error_response(422, UsageError(text))


def file_error(components: Sequence[object], inputs: Sequence[Any]) -> UsageError | None:
    """The error of a call with an input that should be a file and is none; None if all files have their form.

    `components` are those of the inputs. Gradio would fail with an exception of its own, and the caller would receive
    an error without a text.
    """
    for component, value in zip(components, inputs, strict=False):
        if isinstance(component, gr.File) and not all(map(_is_file, _listed(value, component.file_count))):
            return UsageError(
                "An input is no uploaded file. Allowed: null, or an object with `path`, from the upload, and "
                '`"meta": {"_type": "gradio.FileData"}`; a list of these for several films.'
            )
    return None


def _listed(value: Any, file_count: str) -> list[Any]:
    """The files of an input. Anything but a list is one file, which is none if a list is expected."""
    if value is None:
        return []
    if file_count == "single":
        return [value]
    return value if isinstance(value, list) else [None]


def _is_file(value: Any) -> bool:
    try:
        FileData.model_validate(value, context={"validate_meta": True})
    except ValueError:
        return False
    return True


class SingleRange:
    """Middleware that removes a `Range` header with several ranges: the whole file is sent (RFC 9110, section 14.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "," in Headers(scope=scope).get("range", ""):
            scope = {**scope, "headers": list(scope["headers"])}
            del MutableHeaders(scope=scope)["range"]
        await self._app(scope, receive, send)
