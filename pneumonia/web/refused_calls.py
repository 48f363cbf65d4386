"""Responses of calls that never run (full queue, malformed file): a result for API callers, a message on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from .. import settings
from ..errors import Busy, PneumoniaError
from ..inference.decision import Failure
from ..messages import message
from . import page_text
from .server import gradio_internals, malformed_requests, upload_storage


def queue_full_error() -> Busy:
    """Return the error of a full queue. It is returned as the response, never raised."""
    return busy_error(settings.QUEUE_SIZE.read())


def busy_error(limit: int) -> Busy:
    """The error for a film if `limit` films wait already."""
    return Busy(
        message("Too many films are waiting. Allowed: {limit:,} at a time. Try again in a minute.", limit=limit)
    )


def answer_refused_calls(page: gr.Blocks) -> None:
    """Make a full queue, and a call with a malformed file, return the error in the response format of each endpoint.

    If the queue is full, Gradio itself answers 503, which `gradio_client` raises as a `QueueError` without an error
    code; a malformed file gives an error without a text. `/predict`, `/predict_batch`, `/analyze` and `/dicom_results`
    never raise, so they return a result with the error. For all other events, Gradio shows the message as a
    notification on the page.
    """
    gradio_internals.answer_refused_calls(
        page, upload_storage.refusal, malformed_requests.file_error, queue_full_error(), _outputs
    )


def _outputs(api_name: str, inputs: list[Any], error: PneumoniaError) -> list[Any] | None:
    response = _RESPONSES.get(api_name)
    return None if response is None else response(inputs, error)


def _row(file: Any, error: PneumoniaError) -> dict[str, Any]:
    name = file.get("orig_name") if isinstance(file, dict) else None
    return Failure(name if isinstance(name, str) else None, error).as_dict()


def _predict_response(data: list[Any], error: PneumoniaError) -> list[Any]:
    return [_row(data[0] if data else None, error)]


def _files_response(data: list[Any], error: PneumoniaError) -> list[Any]:
    return [None, *_predict_response(data, error)]


def _batch_response(data: list[Any], error: PneumoniaError) -> list[Any]:
    films = (data[0] if data else None) or []
    return [[_row(film, error) for film in (films if isinstance(films, list) else [films])]]


def _analyze_response(_: list[Any], error: PneumoniaError) -> list[Any]:
    return [page_text.failure(Failure(None, error)), None, None, ""]


_RESPONSES: dict[str, Callable[[list[Any], PneumoniaError], list[Any]]] = {
    "predict": _predict_response,
    "predict_batch": _batch_response,
    "analyze": _analyze_response,
    "dicom_results": _files_response,
}
