"""Fixtures of the tests with a storage SCP in the test process."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ..support.wait import until


@pytest.fixture
def no_thread_left() -> Iterator[None]:
    """No thread of an association outlives its test."""
    yield
    assert until(lambda: not any("AcceptorThread" in thread.name for thread in threading.enumerate()))
