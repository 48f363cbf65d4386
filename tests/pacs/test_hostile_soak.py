"""The long form of `test_hostile_associations.py`: `pytest -m soak tests/pacs`. It takes about five minutes."""

from __future__ import annotations

import pytest

from benchmarks.pacs_peers import Process

from ..support.systems import linux
from .test_hostile_associations import data_set, fuzz, service

__all__ = ["data_set", "service"]  # fixtures


@pytest.mark.soak
@linux
def test_many_mutated_associations(service: Process, data_set: bytes) -> None:
    fuzz(service, data_set, range(1_000, 11_000))
