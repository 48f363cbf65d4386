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
import tempfile
import time
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import gradio as gr
from gradio_client import utils as client_utils
from starlette.types import ASGIApp, Receive, Scope, Send

from ... import operating_system, settings
from ...errors import UsageError
from ...files import ProcessTempdir, last_change, walk_bottom_up
from . import gradio_environment, gradio_internals, route_policy

PREFIX = "pneumonia-uploads-"
"""Start of the name of the process's upload folder."""

_unfinished_files: ContextVar[list[Path] | None] = ContextVar("unfinished_upload_files", default=None)
"""Files that the current upload request is writing; None outside an upload request."""


def use_private_upload_folder() -> Path:
    """Make Gradio store files in a folder of this process, which is deleted when the process ends; return the folder.

    Raises `UsageError` if the configured folder cannot be written.
    """
    configured = Path(gradio_environment.upload_folder() or Path(tempfile.gettempdir()) / "gradio")
    parent = configured.parent if configured.name.startswith(PREFIX) else configured
    try:
        folder = _process_folder(parent).path
    except OSError as error:
        raise UsageError(
            f"The upload folder cannot be written: {error.strerror}. Set GRADIO_TEMP_DIR to a folder that can be "
            f"written. Received: {parent}."
        ) from None
    gradio_environment.set_upload_folder(str(folder))
    gradio_internals.store_files_under_random_names(_record_unfinished)
    gradio_internals.set_mcp_folder(folder)
    return folder


def _record_unfinished(path: Path) -> None:
    unfinished = _unfinished_files.get()
    if unfinished is not None:
        unfinished.append(path)


def refusal(inputs: list[Any]) -> str | None:
    """Return the message that refuses a call whose inputs name a file that was not uploaded; None if none does.

    Gradio itself checks the paths as well, but reports them as an internal error.
    """
    folder = Path(gradio_environment.upload_folder()).resolve()
    for path in _file_paths(inputs):
        if not client_utils.is_http_url_like(str(path)) and not _is_inside(path, folder):
            return "There is no such upload. Upload the film again."
    return None


def _is_inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder)
    except (OSError, ValueError):  # a null byte, a loop of links
        return False


@functools.cache
def _process_folder(parent: Path) -> ProcessTempdir:
    parent.mkdir(parents=True, exist_ok=True)
    return ProcessTempdir(parent, PREFIX)


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
    _refresh_pending_uploads(page, folder)
    for names in gradio_internals.stored_file_sets(page):
        names -= {name for name in list(names) if not Path(name).exists()}
    _delete_old(folder, settings.RETENTION_S.read())


def _refresh_pending_uploads(page: gr.Blocks, folder: Path) -> None:
    """Reset the age of the uploads of calls that wait or run."""
    for inputs in gradio_internals.pending_inputs(page):
        for path in _file_paths(inputs):
            # A caller may send any string as a path. Only files in the upload folder are changed.
            with suppress(OSError):
                if _is_inside(path, folder.resolve()):
                    os.utime(path)
                    _keep_from_gradio(page, str(path))


def _keep_from_gradio(page: gr.Blocks, path: str) -> None:
    """Prevent Gradio's own deletion of a file on Windows: it goes by `st_ctime`, which is the creation time there.

    The file is deleted here, after twice the retention time.
    """
    if operating_system.IS_WINDOWS:
        for names in gradio_internals.stored_file_sets(page):
            names.discard(path)


def _file_paths(data: Any) -> list[Path]:
    """Return the paths of the files in a call's inputs."""
    paths: list[Path] = []
    client_utils.traverse(data, lambda file: paths.append(Path(file["path"])), client_utils.is_file_obj)
    return paths


def _delete_old(folder: Path, retention_s: float) -> None:
    # Twice the retention time, so that Gradio's own deletion, which knows which files are in use, comes first.
    oldest_change = time.time() - 2 * retention_s
    for path in walk_bottom_up(folder):
        with suppress(OSError):
            if last_change(path) < oldest_change and path.name != ProcessTempdir.LOCK_NAME:
                # `rmdir` fails for a folder that is not empty, which therefore stays.
                path.rmdir() if path.is_dir() else path.unlink()
