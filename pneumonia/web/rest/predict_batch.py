"""`POST /api/v1/predict-batch`: many films in a form or a ZIP; one line of JSON for each, in their order."""

from __future__ import annotations

import asyncio
import contextvars
import json
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.types import Receive, Scope, Send

from ... import files
from ...errors import InternalError
from ...inference.decision import Failure, Prediction
from ...inference.named_film import NamedFilm
from ...inference.predictor import Predictor
from ...monitoring.recorder import observer
from ..batch_job import MAX_FILMS
from ..lane import Caller, Lane
from ..server import request_limits, request_log, route_policy, shutdown
from .batch_films import list_films
from .body import ClientGone, read_body
from .film_call import MONITOR_SOURCE
from .film_turns import until_disconnect, wait_for_turn
from .parameters import FilmOptions, film_options, read_parameters
from .spool import MemoryBudget, Spool
from .work import Work

_PREFIX = "pneumonia-rest-"
"""Start of the name of the temporary folder."""

_LINES_HEADERS = [(b"content-type", b"application/x-ndjson")]


class PredictBatch:
    """The handler. Batches take turns with those of the page. ZIPs are stored in a folder of the process."""

    def __init__(self, predictor: Predictor, lane: Lane, budget: MemoryBudget, work: Work) -> None:
        self._predictor, self._lane, self._budget, self._work = predictor, lane, budget, work
        self._folder = files.ProcessTempdir(Path(tempfile.gettempdir()), _PREFIX)

    def retry_after_s(self) -> int:
        """Seconds after which a refused caller may try again."""
        return self._lane.retry_after_s(Caller.REST)

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines. Raises a `PneumoniaError` before the first one if no film can be answered."""
        self._lane.check(Caller.REST)
        with Spool(self._budget) as spool, TemporaryDirectory(dir=self._folder.path) as folder:
            body = await read_body(scope, receive, spool, MAX_FILMS)
            options = film_options(read_parameters(scope, body.fields), self._predictor)
            films = await asyncio.to_thread(list_films, body, spool, Path(folder), MAX_FILMS)
            run = _Run(self._predictor, films, options)
            ticket = self._lane.join(Caller.REST)
            with self._work.stoppable(run.stop.set):
                thread = None
                try:
                    await send({"type": "http.response.start", "status": 200, "headers": _LINES_HEADERS})
                    await wait_for_turn(self._lane, ticket, receive)
                    leave = partial(self._lane.leave, ticket)
                    thread = run.start(leave)
                    await _send_lines(run, receive, send)
                finally:
                    run.is_abandoned = True
                    run.stop.set()
                    if thread is None:
                        self._lane.leave(ticket)
                    else:  # it reads the spool and the folder
                        await asyncio.shield(run.finished.wait())


class _Run:
    """The work on the films of one request, on a thread. `lines` receives the lines; None after the last one."""

    def __init__(self, predictor: Predictor, films: list[NamedFilm], options: FilmOptions) -> None:
        self._predictor, self._films, self._options = predictor, films, options
        self._loop = asyncio.get_running_loop()
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.stop = threading.Event()
        self.is_abandoned = self.is_complete = False
        self.finished = asyncio.Event()

    def start(self, at_end: Callable[[], None]) -> threading.Thread:
        """Start the thread; it calls `at_end` when no film is in progress any more."""
        context = contextvars.copy_context()  # with the id of the request, for the log
        thread = threading.Thread(target=context.run, args=(self._work, at_end), name="rest-batch", daemon=True)
        thread.start()
        return thread

    def _work(self, at_end: Callable[[], None]) -> None:
        try:
            with request_log.batch(route_policy.REST_BATCH) as results:
                for result in self._results():
                    results.append(result)
                    self._put(_line(result))
            self.is_complete = True
        except Exception as error:
            InternalError.from_exception(error)
        finally:
            at_end()
            self._put(None)
            self._call(self.finished.set)

    def _results(self) -> Iterator[Prediction | Failure]:
        """One result for each film. After a stop the remaining films are `busy`: no film is without a line."""
        count = 0
        options = self._options
        answers = self._predictor.predict_many(
            self._films,
            options.operating_point,
            prevalence=options.prevalence,
            age=options.age,
            observe=observer(MONITOR_SOURCE),
        )
        try:
            for answer in answers:
                count += 1
                yield answer
                if self.stop.is_set():
                    break
        finally:
            answers.close()  # type: ignore[attr-defined]  # a generator: it drops the films that have not begun
        for film in self._films[count:] if not self.is_abandoned else ():
            yield Failure(film.name, shutdown.shutting_down_error())

    def _put(self, line: bytes | None) -> None:
        self._call(partial(self.lines.put_nowait, line))

    def _call(self, function: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(function)


async def _send_lines(run: _Run, receive: Receive, send: Send) -> None:
    """Send the lines as they come. Raises `ClientGone` if the caller closes the connection, or reads too slowly."""
    disconnect = asyncio.ensure_future(until_disconnect(receive))
    started_at, sent_bytes = time.monotonic(), 0
    is_complete = False
    try:
        while not is_complete:
            data, is_complete = await _next_lines_or_disconnect(run, disconnect)
            if is_complete and not run.is_complete:
                raise ClientGone  # the connection is closed, so that the caller does not take a part for the whole
            # While the films are in progress, the time does not count: the caller may wait for the next line.
            remaining_s = request_limits.BODY_TIMEOUT_S + sent_bytes / request_limits.MIN_BYTES_PER_S
            if run.finished.is_set():
                remaining_s -= time.monotonic() - started_at
            else:
                started_at = time.monotonic()
            event = {"type": "http.response.body", "body": data, "more_body": not is_complete}
            await _send_within(send(event), max(remaining_s, 1))
            sent_bytes += len(data)
    finally:
        disconnect.cancel()


async def _send_within(sending: Awaitable[None], seconds: float) -> None:
    try:
        await asyncio.wait_for(sending, seconds)
    except TimeoutError:
        raise ClientGone from None


async def _next_lines_or_disconnect(run: _Run, disconnect: asyncio.Future[None]) -> tuple[bytes, bool]:
    """As `_next_lines`; raises `ClientGone` if the caller closes the connection before."""
    lines = asyncio.ensure_future(_next_lines(run.lines))
    tasks: set[asyncio.Future[Any]] = {lines, disconnect}
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    if disconnect.done():
        lines.cancel()
        raise ClientGone
    return lines.result()


async def _next_lines(lines: asyncio.Queue[bytes | None]) -> tuple[bytes, bool]:
    """The lines that are ready, at least one, and whether they are the last ones."""
    ready = [await lines.get()]
    while not lines.empty():
        ready.append(lines.get_nowait())
    return b"".join(line for line in ready if line is not None), ready[-1] is None


def _line(result: Prediction | Failure) -> bytes:
    content = result.as_dict()
    content["file"] = content["file"] or None  # a film without a name is called "" until here
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"
