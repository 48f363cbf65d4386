"""Storage of uploads and results: in a folder of this process, under salted names, for the retention time.

Gradio stores an upload under a salted hash of its content, with one salt per installation. A caller with a copy of a
film and the salt, which a published container image contains, could compute the path of another user's upload, and two
uploads of one film would share a file. Here each upload gets a random salt.

Gradio deletes the files that it has recorded by their age, even while their call waits in the queue. Here the age of a
film is counted from the end of its call. Files that Gradio does not record are deleted here: interrupted uploads, empty
folders, and files of a killed process.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
from gradio_client import utils as client_utils
from starlette.types import ASGIApp, Receive, Scope, Send

from ... import operating_system, settings
from ...files import ProcessTempdir, last_change, walk_bottom_up
from ...messages import message
from . import gradio_environment, gradio_internals, route_policy


def refusal(inputs: list[Any]) -> str | None:
    """Return the message that refuses a call whose inputs name a URL or a file that was not uploaded.

    Returns None if there is no such input. Gradio itself checks the paths as well, but reports them as an internal
    error. MCP clients may send a film as a URL, because they cannot upload files; Gradio refuses addresses of the local
    network.
    """
    folder = Path(gradio_environment.upload_folder()).resolve()
    for path in _file_paths(inputs):
        if client_utils.is_http_url_like(path):
            if not settings.MCP.read():
                return message("URLs are not fetched. Upload the film as a file.")
        elif not _is_inside(Path(path), folder):
            return message("There is no such upload. Upload the film again.")
    return None


def _is_inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder)
    except (OSError, ValueError):  # a null byte, a loop of links
        return False


class IsolateUploads:
    """Middleware that gives each upload paths of its own, and deletes the files of uploads that were not completed.

    Gradio writes an upload to a temporary file in the upload folder, moves it to a subfolder when it is complete, and
    does not delete it if the upload is aborted. Here these files are deleted when no upload is running.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._running_uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_policy.path_of(scope) != route_policy.UPLOAD:
            await self._app(scope, receive, send)
            return
        folder = scope["app"].state.upload_folder  # the mounted application replaces `scope["app"]`
        self._running_uploads += 1
        gradio_internals.renew_file_salt()
        try:
            await self._app(scope, receive, send)
        finally:
            self._running_uploads -= 1
            if not self._running_uploads:
                _delete_unfinished(folder)


def _delete_unfinished(folder: Path) -> None:
    """Delete the files that lie directly in `folder`, except the lock of the process."""
    for path in folder.iterdir():
        if path.is_file() and path.name != ProcessTempdir.LOCK_NAME:
            with suppress(OSError):  # on Windows, a file that is still open; the periodic deletion removes it
                path.unlink()


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
                if _is_inside(Path(path), folder.resolve()):
                    os.utime(path)
                    _keep_from_gradio(page, str(path))


def _keep_from_gradio(page: gr.Blocks, path: str) -> None:
    """Prevent Gradio's own deletion of a file on Windows: it goes by `st_ctime`, which is the creation time there.

    The file is deleted here, after twice the retention time.
    """
    if operating_system.IS_WINDOWS:
        for names in gradio_internals.stored_file_sets(page):
            names.discard(path)


def _file_paths(data: Any) -> list[str]:
    """Return the paths and URLs of the files in a call's inputs."""
    paths: list[str] = []
    client_utils.traverse(data, lambda file: paths.append(str(file["path"])), client_utils.is_file_obj)
    return paths


def _delete_old(folder: Path, retention_s: float) -> None:
    # Twice the retention time, so that Gradio's own deletion, which knows which files are in use, comes first.
    oldest_change = time.time() - 2 * retention_s
    for path in walk_bottom_up(folder):
        with suppress(OSError):
            if last_change(path) < oldest_change and path.name != ProcessTempdir.LOCK_NAME:
                # `rmdir` fails for a folder that is not empty, which therefore stays.
                path.rmdir() if path.is_dir() else path.unlink()
