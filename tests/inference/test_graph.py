"""The served graph: many concurrent callers, a limited number of interpreters."""

from __future__ import annotations

import platform
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Predictor
from pneumonia.errors import UsageError
from pneumonia.inference.graph import Graph

THREADS, CALLERS = 2, 6

Film = npt.NDArray[np.uint8]


@pytest.fixture
def interpreters() -> list[Any]:
    """The interpreters that `graph` created."""
    return []


@pytest.fixture
def graph(predictor: Predictor, interpreters: list[Any], monkeypatch: pytest.MonkeyPatch) -> Graph:
    create = Graph._new_interpreter

    def create_and_record(self: Graph) -> Any:
        interpreters.append(create(self))
        return interpreters[-1]

    monkeypatch.setattr(Graph, "_new_interpreter", create_and_record)
    return Graph(predictor.models[0].bundle.graph, THREADS)


@pytest.fixture
def films() -> list[Film]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (150, 150, 3), dtype=np.uint8) for _ in range(CALLERS)]


def test_one_caller_needs_one_interpreter(graph: Graph, interpreters: list[Any], films: list[Film]) -> None:
    for film in films:
        graph.score(film)
    assert len(interpreters) == 1


def test_many_callers_wait_for_as_many_interpreters_as_threads(
    graph: Graph, interpreters: list[Any], films: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [graph.score(film).score for film in films]
    barrier, set_input = threading.Barrier(THREADS, timeout=60), Graph._set_input

    def together(self: Graph, interpreter: Any, film: Film) -> None:
        barrier.wait()  # returns only if two calls run concurrently
        set_input(self, interpreter, film)

    monkeypatch.setattr(Graph, "_set_input", together)
    with ThreadPoolExecutor(CALLERS) as pool:
        assert [output.score for output in pool.map(graph.score, films)] == alone
    assert len(interpreters) == THREADS


def test_a_failed_call_returns_its_interpreter(
    graph: Graph, interpreters: list[Any], films: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Graph, "_set_input", lambda *_: 1 / 0)
        for _ in range(2 * THREADS):
            with pytest.raises(ZeroDivisionError):
                graph.score(films[0])
    assert np.isfinite(graph.score(films[0]).score)
    assert len(interpreters) == 1


def test_a_failed_interpreter_creation_uses_no_slot(
    graph: Graph, films: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph._idle.clear()
    with monkeypatch.context() as broken:
        broken.setattr(Graph, "_new_interpreter", lambda _: 1 / 0)
        for _ in range(2 * THREADS):
            with pytest.raises(ZeroDivisionError):
                graph.score(films[0])
    assert np.isfinite(graph.score(films[0]).score)


def test_a_system_without_litert_is_named(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Macs with an Intel processor pip installs no LiteRT; on Windows it may lack a library of the system."""
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(UsageError, match=r"LiteRT.*macOS 12 or newer on Apple silicon.*Received: Darwin .* on x86_64"):
        Graph(predictor.models[0].bundle.graph, THREADS)
