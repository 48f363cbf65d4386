"""Films that a page hands to itself when it is loaded again in another language."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from .film_session import SessionFilm

KEEP_S = 60
"""Seconds in which the page must have loaded again. Film and files are deleted after their own retention time."""

MAX_FILMS = 256
"""Maximum number of films that are kept at a time; the oldest is dropped."""


@dataclass(frozen=True)
class KeptFilm:
    """A film with its reading, and what the user has chosen for it."""

    film: SessionFilm
    point: str
    age_group: str
    prevalence: float | None


class KeptFilms:
    """Token -> film, once, within `KEEP_S`, for the user who kept it. Tokens cannot be guessed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._films: dict[str, tuple[float, str | None, KeptFilm]] = {}

    def keep(self, film: KeptFilm, owner: str | None) -> str:
        """Keep a film of the user `owner` (hashed; None without a login); returns its token."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._drop_expired()
            while len(self._films) >= MAX_FILMS:
                del self._films[next(iter(self._films))]
            self._films[token] = self._clock(), owner, film
        return token

    def take(self, token: str | None, owner: str | None) -> KeptFilm | None:
        """The film of a token, which is valid once; None if there is none, or if it is another user's."""
        with self._lock:
            self._drop_expired()
            _, keeper, film = self._films.pop(token or "", (0.0, None, None))
        return film if keeper == owner else None

    def _drop_expired(self) -> None:
        now = self._clock()
        self._films = {token: entry for token, entry in self._films.items() if now - entry[0] <= KEEP_S}
