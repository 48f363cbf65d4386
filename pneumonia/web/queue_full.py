"""The `busy` response of a full queue: a regular result for API callers, a message for users of the page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.queueing import Event
from gradio.server_messages import ProcessCompletedMessage

from .. import settings
from ..errors import Busy
from ..inference.decision import Failure
from . import page_text


def queue_full_error() -> Busy:
    """Return the error of a full queue. It is returned as the response, never raised."""
    limit = settings.QUEUE_SIZE.read()
    return Busy(f"Too many films are waiting. Allowed: {limit:,} at a time. Try again in a minute.")


def answer_when_queue_is_full(page: gr.Blocks) -> None:
    """Make a full queue return `queue_full_error` in the response format of each endpoint.

    Gradio itself answers 503, which `gradio_client` raises as a `QueueError` without an error code. `/predict`,
    `/predict_batch` and `/analyze` never raise, so they return a result with the error. For all other events, Gradio
    shows the message as a notification on the page. Wraps `push` of Gradio's private queue, because Gradio has no hook
    for a full queue.
    """
    queue = page._queue
    push = queue.push

    async def push_or_answer(body: Any, request: Any, username: str | None) -> Any:
        ok, message, state = await push(body=body, request=request, username=username)
        if state != "queue_full":
            return ok, message, state
        block_fn = page.fns[body.fn_index]
        response = _RESPONSES.get(str(block_fn.api_name))
        if response is None:
            return ok, queue_full_error().message, state
        event = Event(body.session_hash, block_fn, request, username)
        _deliver(queue, event, response(body.data))
        return True, event._id, "success"

    queue.push = push_or_answer  # type: ignore[method-assign]


def _deliver(queue: Any, event: Event, data: list[Any]) -> None:
    """Send the result of an event that was not added to the queue."""
    if event.session_hash not in queue.pending_messages_per_session:
        queue.pending_messages_per_session[event.session_hash] = asyncio.Queue()
    queue.pending_event_ids_session.setdefault(event.session_hash, set()).add(event._id)
    output = {"data": data, "is_generating": False, "duration": 0.0, "average_duration": 0.0}
    queue.send_message(event, ProcessCompletedMessage(output=output, success=True))


def _original_name(file: Any) -> str | None:
    return file.get("orig_name") if isinstance(file, dict) else None


def _busy_row(file: Any) -> dict[str, Any]:
    return Failure(_original_name(file), queue_full_error()).as_dict()


def _predict_response(data: list[Any]) -> list[Any]:
    return [_busy_row(data[0] if data else None)]


def _batch_response(data: list[Any]) -> list[Any]:
    return [[_busy_row(file) for file in (data[0] if data else None) or []]]


def _analyze_response(_: list[Any]) -> list[Any]:
    return [page_text.failure(Failure(None, queue_full_error())), None, None, ""]


_RESPONSES: dict[str, Callable[[list[Any]], list[Any]]] = {
    "predict": _predict_response,
    "predict_batch": _batch_response,
    "analyze": _analyze_response,
}
