"""Where uploads and results lie: in a folder of this process, under names that nobody can guess, and not for long.

Gradio keeps uploads under a hash of their content, salted once per installation. Who has the same film, and the salt
out of a published image, could build the path of another's upload; and a second upload of a film would be the first
one's. Here each has a name by chance. Gradio deletes what it knows of by age, also while its call waits for its turn:
here a film's age begins when its job has ended. What Gradio does not know of is deleted here: uploads that were broken
off, empty folders, and what a killed process has left.
"""

from __future__ import annotations

import functools
import os
import secrets
import tempfile
import time
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils, route_utils
from gradio.exceptions import InvalidPathError
from gradio_client import utils as client_utils
from starlette.types import ASGIApp, Receive, Scope, Send

from ... import settings
from ...files import ProcessTempdir, walk_bottom_up
from . import gradio_environment, route_policy

PREFIX = "pneumonia-uploads-"

_unfinished_files: ContextVar[list[Path] | None] = ContextVar("unfinished_upload_files", default=None)
"""The files into which the upload at work is written."""


def use_private_upload_folder() -> Path:
    """Have Gradio keep its files in a folder of this process; the folder goes with the process."""
    configured = Path(gradio_environment.upload_folder() or Path(tempfile.gettempdir()) / "gradio")
    parent = configured.parent if configured.name.startswith(PREFIX) else configured
    folder = _process_folder(parent).path
    gradio_environment.set_upload_folder(str(folder))
    route_utils.GradioUploadFile = _RandomlyNamedUpload  # type: ignore[misc]
    # Pictures and tables that the page makes are kept under a hash too.
    processing_utils.hash_seed = _SALT
    processing_utils._check_allowed = _check_allowed
    return folder


_SALT = secrets.token_bytes(32)
_original_check_allowed = processing_utils._check_allowed


def _check_allowed(path: str | Path, check_in_upload_folder: bool) -> None:
    """Gradio's check, with a sentence for the caller: its own quotes paths of the server, and nobody is shown it."""
    try:
        _original_check_allowed(path, check_in_upload_folder)
    except InvalidPathError:
        raise gr.Error("There is no such upload. Upload the film again.", print_exception=False) from None


@functools.cache
def _process_folder(parent: Path) -> ProcessTempdir:
    parent.mkdir(parents=True, exist_ok=True)
    return ProcessTempdir(parent, PREFIX)


class _RandomlyNamedUpload(route_utils.GradioUploadFile):
    """An upload whose folder says nothing of its content."""

    def __init__(self, file: Any, **options: Any) -> None:
        super().__init__(file, **options)
        self.sha.update(secrets.token_bytes(32))
        unfinished = _unfinished_files.get()
        if unfinished is not None:
            unfinished.append(Path(file.name))


class DeleteAbortedUploads:
    """Deletes what an upload has written that did not come to its end; Gradio would never find it again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_policy.path_of(scope) != route_policy.UPLOAD:
            await self._app(scope, receive, send)
            return
        unfinished: list[Path] = []
        token = _unfinished_files.set(unfinished)
        try:
            await self._app(scope, receive, send)
        finally:
            _unfinished_files.reset(token)
            for path in unfinished:
                # A whole upload has been moved to its own name by now.
                path.unlink(missing_ok=True)


def delete_expired(page: gr.Blocks, folder: Path) -> None:
    """Keep what calls wait for, forget names of files that are gone, delete what nobody else does and empty folders."""
    _refresh_pending_uploads(page._queue, folder)
    for names in page.temp_file_sets:
        names -= {name for name in list(names) if not Path(name).exists()}
    _delete_old(folder, settings.RETENTION_S.read())


def _refresh_pending_uploads(queue: Any, folder: Path) -> None:
    """Let the uploads of calls that wait, or are worked on, begin to age anew."""
    queued = [event for lane in list(queue.event_queue_per_concurrency_id.values()) for event in list(lane.queue)]
    running = [event for events in list(queue.active_jobs) for event in events or ()]
    for event in (*queued, *running):
        for path in _file_paths(event.data.data if event.data else None):
            # A caller may name any path, or what is none; only uploads are touched.
            with suppress(OSError, ValueError):
                if path.resolve().is_relative_to(folder.resolve()):
                    os.utime(path)


def _file_paths(data: Any) -> list[Path]:
    """Where the files of a call's inputs lie."""
    paths: list[Path] = []
    client_utils.traverse(data, lambda file: paths.append(Path(file["path"])), client_utils.is_file_obj)
    return paths


def _delete_old(folder: Path, retention_s: float) -> None:
    # Twice the time, since Gradio's own deletion, which knows what is to be kept, goes first.
    oldest_ctime = time.time() - 2 * retention_s
    for path in walk_bottom_up(folder):
        with suppress(OSError):
            if path.lstat().st_ctime < oldest_ctime and path.name != ProcessTempdir.LOCK_NAME:
                # A folder that is not empty stays.
                path.rmdir() if path.is_dir() else path.unlink()
