"""Waits: for a coroutine, and until a condition holds.

The main thread already has the event loop of the browser driver and allows no second one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def wait_for(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run the coroutine in a new event loop on another thread; return its result."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def until(condition: Callable[[], bool], timeout_s: float = 120) -> bool:
    """Return True as soon as the condition holds, False if it does not hold within the time.

    The time is long, since a shared machine may stop a process for seconds; a test that passes does not take it."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
