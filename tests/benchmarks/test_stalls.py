"""A stall of this machine, with a simulated clock."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmarks import stalls
from benchmarks.stalls import STALL_S, TICK_S, StallWatch

from ..support.wait import until


def test_a_stall_is_noted_while_it_lasts_and_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(stalls, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with StallWatch() as watch:
        now[0] += TICK_S
        assert not watch.has_stalled()
        now[0] += STALL_S + TICK_S + 1
        assert watch.has_stalled()
        assert until(lambda: watch._last_tick == now[0]), "the thread runs again"
        assert watch.has_stalled()
    with StallWatch() as watch:
        assert not watch.has_stalled(), "that of an earlier block does not count"
