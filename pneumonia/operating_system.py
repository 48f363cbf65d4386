"""Differences between Linux, macOS and Windows in processes, memory, open files and consoles.

`files` has those of the file system. No other module asks which system it runs on.
"""

from __future__ import annotations

import ctypes
import errno
import io
import os
import sys
from contextlib import suppress
from functools import cache
from typing import IO, Any

from .errors import Busy
from .messages import message

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

IS_WINDOWS = os.name == "nt"

MAX_OPEN_FILES = 4_096
"""Open files that a process asks for. macOS grants 256 by default and more on request."""

UNLIMITED = 8_192
"""Assumed limit on open files where the system states none; Windows allows so many per process."""

_CREATE_NEW_PROCESS_GROUP = 0x0000_0200
_CREATE_NO_WINDOW = 0x0800_0000
"""Process creation flags of Windows. `subprocess` has their names on Windows only."""

_M_ARENA_MAX = -8
"""The `mallopt` parameter M_ARENA_MAX in glibc's malloc.h."""

_OUT_OF_FILES = {errno.EMFILE, errno.ENFILE}


def detached_process_options() -> dict[str, Any]:
    """Arguments of `subprocess.Popen` for a child that Ctrl+C in the console of its parent does not reach.

    On Windows the child also opens no console window.
    """
    if IS_WINDOWS:
        return {"creationflags": _CREATE_NEW_PROCESS_GROUP | _CREATE_NO_WINDOW}
    return {"start_new_session": True}


def enlarge_pipe(pipe: IO[bytes] | None, size: int) -> None:
    """Let a pipe hold `size` bytes where the system can (Linux: 64 KB by default, at most 1 MB for most users).

    Its two processes then wait less often for each other.
    """
    if pipe is not None and fcntl is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # the user has too many large pipes
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, size)


def limit_malloc_arenas() -> None:
    """Limit glibc to two memory arenas. Must be called before threads start. Does nothing without glibc.

    By default glibc keeps freed memory in one arena per thread, and each arena grows to the size of a large film.
    """
    with suppress(AttributeError):  # no glibc
        _c_library().mallopt(_M_ARENA_MAX, 2)


def trim_heap() -> None:
    """Return freed memory to the operating system. Does nothing without glibc."""
    with suppress(AttributeError):
        _c_library().malloc_trim(0)


@cache
def _c_library() -> Any:
    """The C library of this process; None on Windows, where `CDLL(None)` raises `TypeError`."""
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):
        return None


def open_file_limit() -> int:
    """Maximum number of files, pipes and connections that this process may have open at a time."""
    if resource is None:
        return UNLIMITED
    soft_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return UNLIMITED if soft_limit == resource.RLIM_INFINITY else soft_limit


def raise_open_file_limit() -> None:
    """Raise the limit on open files to `MAX_OPEN_FILES`, as far as the administrator of the system allows."""
    if resource is None:
        return
    soft_limit, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MAX_OPEN_FILES if hard_limit == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard_limit)
    if soft_limit != resource.RLIM_INFINITY and soft_limit < allowed:
        with suppress(OSError, ValueError):  # macOS may have a lower limit than it states
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard_limit))


def free_open_files() -> int:
    """Number of files, pipes and connections that this process may open in addition to those that are open."""
    try:
        return open_file_limit() - len(os.listdir("/dev/fd"))
    except OSError:  # Windows
        return open_file_limit()


def lowest_free_descriptor() -> int:
    """Number of the next file that this process opens; all lower numbers are in use. The limit if it can open none."""
    try:
        descriptor = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return open_file_limit()
    os.close(descriptor)
    return descriptor


def is_out_of_files(error: BaseException) -> bool:
    """True if the process or the system has too many open files; the same operation may succeed later."""
    return isinstance(error, OSError) and error.errno in _OUT_OF_FILES


def out_of_files_error() -> Busy:
    """The error for an operation that needs a file or a connection while too many are open."""
    return Busy(message("Too many files and connections are open on this machine. Try again in a minute."))


def is_closed_pipe(error: OSError) -> bool:
    """True if the program that reads our output has ended. Windows reports it as an invalid argument."""
    return isinstance(error, BrokenPipeError) or (IS_WINDOWS and error.errno == errno.EINVAL and not error.filename)


def make_output_robust() -> None:
    """Make stdout and stderr write a character that they cannot encode as an escape sequence.

    A file name may have any characters, and must not abort a run: a pipe on Windows has the encoding cp1252.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
