"""The start of Ray, with a stand-in for it. For Ray itself see `test_ray_runs.py`."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from pneumonia.archive import cluster, ray_environment
from pneumonia.errors import UsageError

TIMEOUT = Exception("The current node timed out during startup.")


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> list[Exception | None]:
    """What the next calls of `ray.init` raise; None: Ray starts."""
    left: list[Exception | None] = []

    def init(**_: Any) -> None:
        outcome = left.pop(0)
        if outcome is not None:
            raise outcome

    data = SimpleNamespace(DataContext=SimpleNamespace(get_current=SimpleNamespace))
    ray = SimpleNamespace(init=init, shutdown=lambda: None, cluster_resources=lambda: {"CPU": 2.0}, data=data)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.data", data)
    monkeypatch.setattr(ray_environment, "configure_ray", lambda loopback: None)
    return left


def test_a_local_ray_that_does_not_start_in_time_is_started_again(outcomes: list[Exception | None]) -> None:
    outcomes += [TIMEOUT, None]
    with cluster.ray_cluster(None, 2) as cores:
        assert cores == 2
    assert outcomes == []


@pytest.mark.parametrize(
    ("address", "errors"),
    [
        (None, [TIMEOUT] * cluster.START_ATTEMPTS),
        (None, [RuntimeError("no memory")]),
        ("ray://cluster", [TIMEOUT]),
        ("ray://cluster", [ConnectionError("refused")]),
    ],
)
def test_a_ray_that_cannot_be_used_is_a_usage_error(
    outcomes: list[Exception | None], address: str | None, errors: list[Exception]
) -> None:
    outcomes += errors
    with pytest.raises(UsageError, match=r"Ray cannot be used \(\w+\)\."), cluster.ray_cluster(address, 2):
        pass
    assert outcomes == []


def test_a_bug_is_no_usage_error(outcomes: list[Exception | None]) -> None:
    outcomes.append(KeyError("bug"))
    with pytest.raises(KeyError), cluster.ray_cluster(None, 2):
        pass
