"""Certificates that are renewed while the service runs: their files are read again when they have changed.

Open connections keep what they have negotiated; the next ones use the new files. An `ssl.SSLContext` cannot forget an
authority, so a new context is made, which replaces the former one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from ..errors import UsageError
from .tls import TlsFiles

log = logging.getLogger("pneumonia.pacs")

T = TypeVar("T")

_FileState = tuple[int, int, int] | None


class TlsReloader(Generic[T]):
    """Holds what `read` makes of the files of TLS, for example a context, and reads them again after a change.

    `use` names it in the log. The first call of `read` may raise `UsageError`. If a later one does, because a program
    has replaced the certificate and not yet its key, or because the new files are wrong or may not be read, the former
    value stays, and each further call is another attempt. May be used from any thread.
    """

    def __init__(self, use: str, files: TlsFiles, read: Callable[[TlsFiles], T]) -> None:
        self._use, self._files, self._read = use, files, read
        self._lock = threading.Lock()
        self._states = self._present_states()
        self._value = read(files)
        self._problem = ""

    def current(self) -> T:
        """The value for the next connection."""
        with self._lock:
            states = self._present_states()
            if states != self._states:
                self._renew(states)
            return self._value

    def _renew(self, states: list[_FileState]) -> None:
        """Read the files. `states` are those from before: a change while they are read is noticed at the next call."""
        try:
            self._value = self._read(self._files)
        except UsageError as error:
            # The states stay as they were, since the cause may be no change of a file, such as its permissions.
            if str(error) != self._problem:
                log.error("tls use=%s outcome=not_renewed: %s", self._use, error)
            self._problem = str(error)
            return
        self._states, self._problem = states, ""
        log.info("tls use=%s outcome=renewed", self._use)

    def _present_states(self) -> list[_FileState]:
        paths = (self._files.certificate, self._files.key, self._files.authorities)
        return [None if path is None else _state_of(path) for path in paths]


def _state_of(path: Path) -> _FileState:
    """Inode, size and time of change of a file, through symbolic links, which containers replace; None: missing."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns
