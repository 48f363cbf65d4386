"""What the calls for one film share: its body is received, the film waits for its turn, and is answered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ... import imaging
from ...errors import EmptyFile, UsageError
from ...inference.decision import Failure, Prediction
from ...inference.predictor import Predictor
from ...inference.reading import Reading
from ...messages import message
from ...monitoring.recorder import observer
from .. import handlers
from ..server import request_log, route_policy
from .body import FilmPart, read_body
from .film_turns import FilmTurns
from .parameters import FILM_PARAMETERS, FilmOptions, read_parameters
from .spool import MemoryBudget, Spool
from .work import Work

MONITOR_SOURCE = "rest"
"""Source of the answers in the monitoring."""


@dataclass(frozen=True)
class Film:
    """One film of a request: the name that the caller gave it, and its bytes."""

    name: str | None
    data: bytes


@dataclass(frozen=True)
class ReceivedFilm:
    """A film in the spool. While it waits for its turn, it takes no memory beyond the bound of the spools."""

    part: FilmPart
    spool: Spool

    def read(self) -> Film:
        """The film with its bytes. Called on the thread that scores it."""
        return Film(self.part.name, self.spool.read(self.part.start, self.part.end))


class FilmCall(ABC):
    """The handler of an address that takes one film. Its films take turns with those of the page."""

    parameters: ClassVar[tuple[str, ...]] = FILM_PARAMETERS
    """Names of the parameters of the address."""

    def __init__(self, predictor: Predictor, turns: FilmTurns, budget: MemoryBudget, work: Work) -> None:
        self._predictor, self._turns, self._budget, self._work = predictor, turns, budget, work

    async def post(self, scope: Scope, receive: Receive, _: Send) -> Response:
        """The response to a film. Raises a `PneumoniaError` for a call without one, or with a wrong parameter."""
        self._turns.check()
        with Spool(self._budget) as spool, self._work.stoppable():
            film, fields = await receive_film(scope, receive, spool)
            return await self._respond(scope, receive, film, read_parameters(scope, fields, self.parameters))

    @abstractmethod
    async def _respond(
        self, scope: Scope, receive: Receive, film: ReceivedFilm, parameters: Mapping[str, str]
    ) -> Response:
        """The response to the film in the spool, which is deleted afterwards."""


async def receive_film(scope: Scope, receive: Receive, spool: Spool) -> tuple[ReceivedFilm, list[tuple[str, str]]]:
    """The only film of a request, and the other fields of its form. Raises `EmptyFile` if there is none."""
    body = await read_body(scope, receive, spool, max_films=2)
    if len(body.films) > 1:
        raise UsageError(
            message("Several films in one call. Allowed: one. For several, call {path}.", path=route_policy.REST_BATCH)
        )
    if not body.films:
        raise EmptyFile(message("No file was given. Allowed: one file, {formats}.", formats=imaging.FORMATS))
    return ReceivedFilm(body.films[0], spool), body.fields


def answer(
    predictor: Predictor, film: Film, options: FilmOptions, endpoint: str
) -> tuple[Prediction | Failure, Reading | None]:
    """The answer to a film, and its reading if it could be read; writes a line of the log."""
    reading: Reading | None = None

    def predict() -> Prediction:
        nonlocal reading
        reading = predictor.read(film.data, options.age)
        return predictor.decide(reading, options.operating_point, file=film.name, prevalence=options.prevalence)

    with request_log.film(endpoint, film.data) as log_entry:
        result: Prediction | Failure = handlers.result_or_failure(predict, film.name)
        log_entry.outcome = result
    observe = observer(MONITOR_SOURCE)
    if observe is not None:
        observe(result, reading)
    return result, reading
