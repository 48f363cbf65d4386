"""A client of the REST API of the running page."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

REUSE = httpx.Limits(keepalive_expiry=2)
"""A connection is used again for a shorter time than the service keeps it, which may close it at that moment."""


@pytest.fixture(scope="package")
def rest(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60, trust_env=False, limits=REUSE) as client:
        yield client
