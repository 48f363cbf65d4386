"""Session records of Gradio are never dropped while a call uses or creates them.

The first two tests stop the periodic deletion before it drops a record, if it runs on another thread than the event
loop, and let it continue in the middle of Gradio's own steps. On the event loop it cannot be between them.
"""

from __future__ import annotations

import asyncio
import datetime
import threading
from collections import OrderedDict
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from gradio.data_classes import PredictBodyInternal

from pneumonia import Predictor
from pneumonia.web import page
from pneumonia.web.server import cleanup, gradio_internals

from ...support.wait import wait_for

SESSION = "session"
TIMEOUT_S = 10


class OtherThread:
    """Stops a thread that is not the event loop's, and lets it continue from the event loop."""

    def __init__(self) -> None:
        self._loop_thread = threading.get_ident()
        self.has_stopped, self._may_continue, self._has_dropped = (threading.Event() for _ in range(3))

    def stop(self) -> None:
        """Called before a record is dropped. Does nothing on the event loop."""
        if threading.get_ident() != self._loop_thread:
            self.has_stopped.set()
            self._may_continue.wait(TIMEOUT_S)

    def dropped(self) -> None:
        """Called after a record was dropped."""
        self._has_dropped.set()

    def let_it_drop(self) -> None:
        """Called between two of Gradio's steps: the stopped thread, if there is one, drops its record now."""
        if threading.get_ident() == self._loop_thread and self.has_stopped.is_set():
            self._may_continue.set()
            self._has_dropped.wait(TIMEOUT_S)


class Records(OrderedDict[str, Any]):
    """A dictionary of Gradio's that calls `OtherThread` when it is read, changed and emptied."""

    def __init__(self, records: Any, other_thread: OtherThread, stops: str = "") -> None:
        self._other_thread: OtherThread | None = None
        self._stops = stops
        super().__init__(records)
        self._other_thread = other_thread

    def items(self) -> Any:
        """The records; a thread stops "before" or "after" it has read them."""
        if self._other_thread and self._stops == "before":
            self._other_thread.stop()
        rows = list(super().items())
        if self._other_thread and self._stops == "after":
            self._other_thread.stop()
        return rows

    def __setitem__(self, session: str, value: Any) -> None:
        super().__setitem__(session, value)
        if self._other_thread:
            self._other_thread.let_it_drop()

    def pop(self, session: str, *default: Any) -> Any:
        value = super().pop(session, *default)
        if self._other_thread and session == SESSION:
            self._other_thread.dropped()
        return value


@pytest.fixture
def app(predictor: Predictor) -> Iterator[FastAPI]:
    yield page.create_app(predictor)


async def run_until_it_drops(app: FastAPI, other_thread: OtherThread) -> asyncio.Task[None]:
    """Start one deletion; return when it has ended, or when it is about to drop a record on another thread."""
    task = asyncio.create_task(cleanup.delete_expired_data(app))
    while not (task.done() or other_thread.has_stopped.is_set()):
        await asyncio.sleep(0.001)
    return task


def test_an_idle_session_that_is_used_again_is_not_dropped_during_the_call(app: FastAPI) -> None:
    """Gradio creates the state of a session, notes the time, and then reads the state without a lock."""

    async def use_while_it_is_dropped() -> None:
        holder = app.state.page.state_holder
        holder[SESSION]
        other_thread = OtherThread()
        long_ago = {SESSION: datetime.datetime(2020, 1, 1)}
        holder.time_last_used = Records(long_ago, other_thread, stops="after")
        holder.session_data = Records(holder.session_data, other_thread)
        deletion = await run_until_it_drops(app, other_thread)
        assert holder[SESSION] is not None
        await deletion
        assert SESSION in holder

    wait_for(use_while_it_is_dropped())


def test_the_record_of_a_new_call_is_not_dropped_while_it_is_created(app: FastAPI) -> None:
    """Gradio creates an empty record of a session, which looks like one whose results are delivered, and fills it."""
    queue = app.state.page._queue

    async def push_while_it_is_dropped() -> None:
        other_thread = OtherThread()
        queue.pending_event_ids_session = Records({}, other_thread, stops="before")
        deletion = await run_until_it_drops(app, other_thread)
        is_accepted, event, _ = await push(app)
        await deletion
        assert is_accepted and queue.pending_event_ids_session[SESSION] == {event}

    wait_for(push_while_it_is_dropped())


async def push(app: FastAPI) -> Any:
    """Queue a call of `/model`."""
    (function,) = (fn for fn in app.state.page.fns.values() if fn.api_name == "model")
    request: Any = SimpleNamespace(scope={})
    body = PredictBodyInternal(fn_index=function._id, data=[], session_hash=SESSION)
    return await app.state.page._queue.push(body=body, request=request, username=None)


def test_records_are_dropped_under_the_lock_of_the_queue(app: FastAPI) -> None:
    """A later Gradio may wait between the steps: then only its lock separates them from the deletion."""
    queue = app.state.page._queue

    async def drop_while_the_lock_is_held() -> None:
        async with queue.pending_message_lock:
            queue.pending_event_ids_session[SESSION] = set()
            deletion = asyncio.create_task(gradio_internals.drop_delivered_results(app.state.page, ()))
            for _ in range(3):
                await asyncio.sleep(0)
            assert SESSION in queue.pending_event_ids_session
            assert not deletion.done()
        await deletion
        assert SESSION not in queue.pending_event_ids_session, "the record of a delivered result is dropped afterwards"

    wait_for(drop_while_the_lock_is_held())
