"""The `busy` response of a full queue: a regular result for API callers, a message for users of the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from .. import settings
from ..errors import Busy
from ..inference.decision import Failure
from ..messages import message
from . import page_text
from .server import gradio_internals, upload_storage


def queue_full_error() -> Busy:
    """Return the error of a full queue. It is returned as the response, never raised."""
    return busy_error(settings.QUEUE_SIZE.read())


def busy_error(limit: int) -> Busy:
    """The error for a film if `limit` films wait already."""
    return Busy(
        message("Too many films are waiting. Allowed: {limit:,} at a time. Try again in a minute.", limit=limit)
    )


def answer_when_queue_is_full(page: gr.Blocks) -> None:
    """Make a full queue return `queue_full_error` in the response format of each endpoint.

    Gradio itself answers 503, which `gradio_client` raises as a `QueueError` without an error code. `/predict`,
    `/predict_batch`, `/analyze` and `/dicom_results` never raise, so they return a result with the error. For all other
    events, Gradio shows the message as a notification on the page.
    """
    gradio_internals.answer_refused_calls(page, upload_storage.refusal, queue_full_error().message, _outputs)


def _outputs(api_name: str, inputs: list[Any]) -> list[Any] | None:
    response = _RESPONSES.get(api_name)
    return None if response is None else response(inputs)


def _original_name(file: Any) -> str | None:
    return file.get("orig_name") if isinstance(file, dict) else None


def _busy_row(file: Any) -> dict[str, Any]:
    return Failure(_original_name(file), queue_full_error()).as_dict()


def _predict_response(data: list[Any]) -> list[Any]:
    return [_busy_row(data[0] if data else None)]


def _files_response(data: list[Any]) -> list[Any]:
    return [None, *_predict_response(data)]


def _batch_response(data: list[Any]) -> list[Any]:
    return [[_busy_row(file) for file in (data[0] if data else None) or []]]


def _analyze_response(_: list[Any]) -> list[Any]:
    return [page_text.failure(Failure(None, queue_full_error())), None, None, ""]


_RESPONSES: dict[str, Callable[[list[Any]], list[Any]]] = {
    "predict": _predict_response,
    "predict_batch": _batch_response,
    "analyze": _analyze_response,
    "dicom_results": _files_response,
}
