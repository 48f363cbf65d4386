"""Everything that this package uses of Gradio without a documented interface.

No other module touches a private or replaced name of Gradio. `INTERNALS` gives the reason for each, and
`tests/web/server/test_gradio_internals.py` fails with a sentence when a new version of Gradio changes one of them.
"""

from __future__ import annotations

import asyncio
import datetime
import secrets
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.queueing import Event
from gradio.server_messages import ProcessCompletedMessage

from ...errors import PneumoniaError
from ...messages import translate


@dataclass(frozen=True)
class Internal:
    """A private name of Gradio: where it is, which parts of it are used, and why."""

    name: str
    parts: tuple[str, ...]
    reason: str
    issue: str = "none"


QUEUE = Internal(
    "Blocks._queue",
    (
        "push",
        "process_events",
        "send_message",
        "compute_analytics_summary",
        "ANALYTICS_MAX_EVENTS",
        "active_jobs",
        "event_queue_per_concurrency_id",
        "event_ids_to_events",
        "pending_event_ids_session",
        "pending_messages_per_session",
        "pending_message_lock",
    ),
    "Gradio has no hook for refusing a call, for a full queue, for the end of a call, or for a shutdown that waits for "
    "the running calls.",
)
SESSIONS = Internal(
    "Blocks.state_holder",
    ("session_data", "time_last_used", "delete_state", "lock"),
    "Gradio keeps the state of a call without a session, 140 kB, until 1,000 newer sessions have replaced it, and it "
    "keeps an idle session without limit.",
    "https://github.com/gradio-app/gradio/issues/11602 (partly fixed by pull request 13756)",
)
FILE_SALT = Internal(
    "gradio.processing_utils.hash_seed",
    (),
    "Gradio names a stored file by a hash of its content with one salt per installation, which a published container "
    "image contains. A user who has the same film could compute its path and learn that somebody uploaded it.",
)
FILE_LISTS = Internal(
    "Blocks.temp_file_sets",
    (),
    "Gradio lists a stored file once for each component that handled it. When it deletes the file, it removes only one "
    "of these entries, so the lists grow without limit.",
)
INTERNALS = (QUEUE, SESSIONS, FILE_SALT, FILE_LISTS)


# Blocks._queue ---------------------------------------------------------------------------------------------------


def answer_refused_calls(
    page: gr.Blocks,
    refusal: Callable[[list[Any]], str | None],
    malformed: Callable[[Sequence[Any], list[Any]], PneumoniaError | None],
    full: PneumoniaError,
    outputs_of: Callable[[str, list[Any], PneumoniaError], list[Any] | None],
) -> None:
    """Fill missing inputs of each queued call with their default values, and answer the calls that are refused.

    If `malformed(components, inputs)` returns an error, or the queue is full, the caller receives
    `outputs_of(api_name, inputs, error)` as a regular result, or the error's message as an error if that is None. If
    `refusal(inputs)` returns a message, the caller receives it as an error, before Gradio reads a file that the inputs
    name.
    """
    queue = page._queue
    push = queue.push

    async def push_or_answer(body: Any, request: Any, username: str | None) -> Any:
        block_fn = page.fns[body.fn_index]
        body.data += [getattr(component, "value", None) for component in block_fn.inputs[len(body.data) :]]
        event = Event(body.session_hash, block_fn, request, username)
        error = malformed(block_fn.inputs, body.data)
        message = None if error else refusal(body.data)
        if message is not None:
            return _answer(queue, event, {"error": translate(message)})
        if error is None:
            is_accepted, text, state = await push(body=body, request=request, username=username)
            if state != "queue_full":
                return is_accepted, text, state
        outputs = outputs_of(str(block_fn.api_name), body.data, error or full)
        if outputs is not None:
            return _answer(queue, event, _completed(outputs))
        if error is not None:
            return _answer(queue, event, {"error": translate(error.message)})
        return is_accepted, translate(full.message), state

    queue.push = push_or_answer  # type: ignore[method-assign]


def _completed(outputs: list[Any]) -> dict[str, Any]:
    return {"data": outputs, "is_generating": False, "duration": 0.0, "average_duration": 0.0}


def _answer(queue: Any, event: Event, output: dict[str, Any]) -> tuple[bool, str, str]:
    """Send the output of an event that was not added to the queue; return what `push` returns for an accepted one."""
    if event.session_hash not in queue.pending_messages_per_session:
        queue.pending_messages_per_session[event.session_hash] = asyncio.Queue()
    queue.pending_event_ids_session.setdefault(event.session_hash, set()).add(event._id)
    queue.send_message(event, ProcessCompletedMessage(output=output, success="error" not in output))
    return True, event._id, "success"


def wrap_calls(page: gr.Blocks, before: Callable[[dict[str, Any]], None]) -> None:
    """Call `before(scope of the request)` in the context of each queued call, and drop the state of calls without a
    session when they end. Also turns off Gradio's record of calls, which it keeps even if monitoring is off.
    """
    queue = page._queue
    process = queue.process_events

    async def process_and_drop(events: list[Any], *args: Any, **kwargs: Any) -> None:
        before(events[0].request.scope)
        try:
            await process(events, *args, **kwargs)
        finally:
            for event in events:
                if event.session_hash == event._id:  # the caller sent no session hash
                    _drop_session(page, event.session_hash)

    queue.process_events = process_and_drop  # type: ignore[method-assign]
    queue.compute_analytics_summary = lambda records: {}  # type: ignore[method-assign]
    queue.ANALYTICS_MAX_EVENTS = 0


def pending_inputs(page: gr.Blocks) -> list[Any]:
    """Return the inputs of all calls that wait or run."""
    return [event.data.data for event in _waiting_or_running(page) if event.data]


def _waiting_or_running(page: gr.Blocks) -> list[Event]:
    queue = page._queue
    queued = [event for group in list(queue.event_queue_per_concurrency_id.values()) for event in list(group.queue)]
    return [*queued, *(event for events in list(queue.active_jobs) for event in events or ())]


def waiting_calls(page: gr.Blocks) -> int:
    """Return the number of calls that wait."""
    return len(page._queue)


def has_unfinished_calls(page: gr.Blocks) -> bool:
    """Return True if a call waits or runs, or if the result of a connected caller is not yet delivered."""
    queue = page._queue
    return bool(len(queue) or any(queue.active_jobs)) or any(
        events and session in queue.pending_messages_per_session
        for session, events in list(queue.pending_event_ids_session.items())
    )


def reject_unfinished_calls(page: gr.Blocks, message: str) -> int:
    """Send the error `message` to the callers of unfinished calls; return their number. Runs on the event loop."""
    queue = page._queue
    # Gradio forgets an event some time after its result is delivered. Such a call is finished.
    undelivered_ids = {
        event_id
        for session, ids in queue.pending_event_ids_session.items()
        if session in queue.pending_messages_per_session
        for event_id in ids
    } | {event._id for event in _waiting_or_running(page)}
    events = [event for event in queue.event_ids_to_events.values() if event._id in undelivered_ids]
    for event in events:
        queue.send_message(event, ProcessCompletedMessage(output={"error": message}, title="Busy", success=False))
    return len(events)


async def drop_delivered_results(page: gr.Blocks, streaming: Container[str]) -> None:
    """Drop the queue's records of results that were delivered, and of results that Gradio dropped unread.

    The records of the sessions in `streaming` stay: a page waits there for its next result, which would get lost.
    Runs on the event loop, under the lock that Gradio holds when it creates these records.
    """
    queue = page._queue
    async with queue.pending_message_lock:
        for session, events in list(queue.pending_event_ids_session.items()):
            messages = queue.pending_messages_per_session.get(session)
            if messages is None or (not events and messages.empty() and session not in streaming):
                queue.pending_event_ids_session.pop(session, None)
                queue.pending_messages_per_session.pop(session, None)


# Blocks.state_holder ---------------------------------------------------------------------------------------------


def drop_idle_sessions(page: gr.Blocks, idle_since: datetime.datetime) -> None:
    """Drop the sessions that were last used before `idle_since` (local time, as Gradio records it)."""
    for session, last_used in list(page.state_holder.time_last_used.items()):
        if last_used < idle_since:
            page.state_holder.delete_state(session)
            _drop_session(page, session)


def _drop_session(page: gr.Blocks, session: str) -> None:
    with page.state_holder.lock:
        page.state_holder.session_data.pop(session, None)
        page.state_holder.time_last_used.pop(session, None)


# Stored files ----------------------------------------------------------------------------------------------------


def renew_file_salt() -> None:
    """Give the files that Gradio stores from now on names that nobody can compute from their contents."""
    processing_utils.hash_seed = secrets.token_bytes(32)


def stored_file_sets(page: gr.Blocks) -> Iterator[set[str]]:
    """Yield the sets of paths that Gradio deletes after the retention time."""
    yield from page.temp_file_sets


# Public attributes of Blocks that `launch` sets and `mount_gradio_app` does not --------------------------------------


def set_session_capacity(page: gr.Blocks, sessions: int) -> None:
    """Limit the number of sessions. Must be called before the page is mounted."""
    page.state_session_capacity = sessions


def complete_launch(page: gr.Blocks, app: Any) -> None:
    """Set the attributes of a page that was mounted as the application `app`.

    Without `has_launched`, Gradio does not check that the files named in a call are uploads. `close` ends the event
    streams of `page.app`.
    """
    page.has_launched = True
    page.app = page.server_app = app
