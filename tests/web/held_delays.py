"""The delays after wrong passwords and tokens, held until a test ends them."""

from __future__ import annotations

import asyncio
import threading
from types import ModuleType, SimpleNamespace

import pytest


class HeldDelays:
    """Holds the delayed attempts of a module of the server, `login` or `api_tokens`; attempts without a delay go on.

    A real delay would have to be longer than a busy machine takes for all that a test does meanwhile.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
        self.waiting = 0
        self._ended = threading.Event()
        monkeypatch.setattr(module, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": self._sleep}))
        monkeypatch.setattr("pneumonia.web.server.login.FIRST_DELAY_S", 0.25)

    async def _sleep(self, seconds: float) -> None:
        if seconds:
            self.waiting += 1
            while not self._ended.is_set():
                await asyncio.sleep(0.01)

    def end(self) -> None:
        """Let all delayed attempts go on."""
        self._ended.set()
