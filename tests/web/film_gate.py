"""A gate before the reading of films, which a test opens for as many films as it needs."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pneumonia import Predictor
from pneumonia.inference.reading import Reading

MAX_WAIT_S = 600
"""Longest wait of a film in seconds; a test that fails leaves it sooner, since its fixture opens the gate."""


class FilmGate:
    """Holds each film before it is read, until the gate is open for it: work is in progress as long as a test needs it.

    A delay for each film would have to be longer than a busy machine takes for all that a test does meanwhile.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int = 0) -> None:
        self._permits = threading.Semaphore(free)
        self.started = 0
        """Films that have reached the gate."""
        read = Predictor.read

        def wait_and_read(predictor: Predictor, *arguments: Any) -> Reading:
            self.started += 1
            assert self._permits.acquire(timeout=MAX_WAIT_S), "the test did not open the gate"
            return read(predictor, *arguments)

        monkeypatch.setattr(Predictor, "read", wait_and_read)

    def open(self, films: int = 1_000) -> None:
        """Let so many films through."""
        self._permits.release(films)
