"""Storage of uploads and results: in a folder of this process, under random names, for the retention time.

Gradio stores an upload under a salted hash of its content, with one salt per installation. A caller with a copy of a
film and the salt, which a published container image contains, could compute the path of another user's upload, and two
uploads of one film would share a file. Here each upload gets a random name.

Gradio deletes the files that it has recorded by their age, even while their call waits in the queue. Here the age of a
film is counted from the end of its call. Files that Gradio does not record are deleted here: interrupted uploads, empty
folders, and files of a killed process.
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
"""Start of the name of the process's upload folder."""

_unfinished_files: ContextVar[list[Path] | None] = ContextVar("unfinished_upload_files", default=None)
"""Files that the current upload request is writing; None outside an upload request."""


def use_private_upload_folder() -> Path:
    """Make Gradio store files in a folder of this process, which is deleted when the process ends; return the folder.

    Replaces private names of Gradio, because it has no parameters for file names, the salt or the error text.
    """
    configured = Path(gradio_environment.upload_folder() or Path(tempfile.gettempdir()) / "gradio")
    parent = configured.parent if configured.name.startswith(PREFIX) else configured
    folder = _process_folder(parent).path
    gradio_environment.set_upload_folder(str(folder))
    route_utils.GradioUploadFile = _RandomlyNamedUpload  # type: ignore[misc]
    # Images and tables that the page creates are stored under a salted hash as well.
    processing_utils.hash_seed = _SALT
    processing_utils._check_allowed = _check_allowed
    return folder


_SALT = secrets.token_bytes(32)
_original_check_allowed = processing_utils._check_allowed


def _check_allowed(path: str | Path, check_in_upload_folder: bool) -> None:
    """Gradio's check of a path, with another error text, because Gradio's own text quotes paths of the server."""
    try:
        _original_check_allowed(path, check_in_upload_folder)
    except InvalidPathError:
        raise gr.Error("There is no such upload. Upload the film again.", print_exception=False) from None


@functools.cache
def _process_folder(parent: Path) -> ProcessTempdir:
    parent.mkdir(parents=True, exist_ok=True)
    return ProcessTempdir(parent, PREFIX)


class _RandomlyNamedUpload(route_utils.GradioUploadFile):
    """An upload whose folder name is random: random bytes are added to the hash of its content."""

    def __init__(self, file: Any, **options: Any) -> None:
        super().__init__(file, **options)
        self.sha.update(secrets.token_bytes(32))
        unfinished = _unfinished_files.get()
        if unfinished is not None:
            unfinished.append(Path(file.name))


class DeleteAbortedUploads:
    """Innermost middleware: deletes the files of an upload that was not completed.

    Gradio does not record such files and would never delete them. Requests and responses pass unchanged.
    """

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
                # A complete upload is no longer here: Gradio has moved it to its final name.
                path.unlink(missing_ok=True)


def delete_expired(page: gr.Blocks, folder: Path) -> None:
    """Delete files and empty folders below `folder` whose age exceeds twice the retention time.

    The age of the uploads of calls that wait or run is reset first. Also removes deleted files from Gradio's lists,
    which would otherwise grow without limit.
    """
    _refresh_pending_uploads(page._queue, folder)
    for names in page.temp_file_sets:
        names -= {name for name in list(names) if not Path(name).exists()}
    _delete_old(folder, settings.RETENTION_S.read())


def _refresh_pending_uploads(queue: Any, folder: Path) -> None:
    """Reset the age of the uploads of calls that wait or run."""
    group_queues = list(queue.event_queue_per_concurrency_id.values())
    queued = [event for group_queue in group_queues for event in list(group_queue.queue)]
    running = [event for events in list(queue.active_jobs) for event in events or ()]
    for event in (*queued, *running):
        for path in _file_paths(event.data.data if event.data else None):
            # A caller may send any string as a path. Only files in the upload folder are changed.
            with suppress(OSError, ValueError):
                if path.resolve().is_relative_to(folder.resolve()):
                    os.utime(path)


def _file_paths(data: Any) -> list[Path]:
    """Return the paths of the files in a call's inputs."""
    paths: list[Path] = []
    client_utils.traverse(data, lambda file: paths.append(Path(file["path"])), client_utils.is_file_obj)
    return paths


def _delete_old(folder: Path, retention_s: float) -> None:
    # Twice the retention time, so that Gradio's own deletion, which knows which files are in use, comes first.
    oldest_ctime = time.time() - 2 * retention_s
    for path in walk_bottom_up(folder):
        with suppress(OSError):
            if path.lstat().st_ctime < oldest_ctime and path.name != ProcessTempdir.LOCK_NAME:
                # `rmdir` fails for a folder that is not empty, which therefore stays.
                path.rmdir() if path.is_dir() else path.unlink()
