"""Fixtures of the tests with a storage SCP in the test process."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ..support.wait import until


@pytest.fixture
def no_thread_left() -> Iterator[None]:
    """No thread of an association outlives its test; one that a test in another folder has left does not count."""
    earlier = set(threading.enumerate())
    yield
    assert until(lambda: not any("AcceptorThread" in each.name for each in set(threading.enumerate()) - earlier))
