"""The served graph: many callers, few interpreters."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Predictor
from pneumonia.inference.graph import Graph

THREADS, CALLERS = 2, 6

Film = npt.NDArray[np.uint8]


@pytest.fixture
def made() -> list[Any]:
    """The interpreters that `graph` has made."""
    return []


@pytest.fixture
def graph(predictor: Predictor, made: list[Any], monkeypatch: pytest.MonkeyPatch) -> Graph:
    make = Graph._interpreter

    def counted(self: Graph) -> Any:
        made.append(make(self))
        return made[-1]

    monkeypatch.setattr(Graph, "_interpreter", counted)
    return Graph(predictor.bundle.graph, THREADS)


@pytest.fixture
def films() -> list[Film]:
    chance = np.random.default_rng(0)
    return [chance.integers(0, 256, (150, 150, 3), dtype=np.uint8) for _ in range(CALLERS)]


def test_one_caller_needs_one_interpreter(graph: Graph, made: list[Any], films: list[Film]) -> None:
    for film in films:
        graph.score(film)
    assert len(made) == 1


def test_many_callers_wait_for_as_many_interpreters_as_threads(
    graph: Graph, made: list[Any], films: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [graph.score(film)[0] for film in films]
    meeting, set_input = threading.Barrier(THREADS, timeout=60), Graph._set

    def together(self: Graph, interpreter: Any, film: Film) -> None:
        meeting.wait()  # comes back only where two are at work at once
        set_input(self, interpreter, film)

    monkeypatch.setattr(Graph, "_set", together)
    with ThreadPoolExecutor(CALLERS) as pool:
        assert [score for score, _ in pool.map(graph.score, films)] == alone
    assert len(made) == THREADS


def test_a_call_that_fails_gives_its_interpreter_back(
    graph: Graph, made: list[Any], films: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Graph, "_set", lambda *_: 1 / 0)
        for _ in range(2 * THREADS):
            with pytest.raises(ZeroDivisionError):
                graph.score(films[0])
    assert np.isfinite(graph.score(films[0])[0])
    assert len(made) == 1


def test_an_interpreter_that_cannot_be_made_takes_no_place(
    graph: Graph, films: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph._idle.clear()
    with monkeypatch.context() as broken:
        broken.setattr(Graph, "_interpreter", lambda _: 1 / 0)
        for _ in range(2 * THREADS):
            with pytest.raises(ZeroDivisionError):
                graph.score(films[0])
    assert np.isfinite(graph.score(films[0])[0])
