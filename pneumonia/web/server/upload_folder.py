"""The folder of this process in which Gradio stores uploads and results. Imports no Gradio.

Gradio reads `GRADIO_TEMP_DIR` at each upload, but its MCP server reads it once, when Gradio is imported. An entry point
therefore calls `use_private_folder` before it imports Gradio.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from ...errors import UsageError
from ...files import ProcessTempdir
from ...messages import message
from . import gradio_environment

PREFIX = "pneumonia-uploads-"
"""Start of the name of the process's upload folder."""


def use_private_folder() -> Path:
    """Make Gradio store files in a folder of this process, which is deleted when the process ends; return the folder.

    Raises `UsageError` if the configured folder cannot be written.
    """
    configured = Path(gradio_environment.upload_folder() or Path(tempfile.gettempdir()) / "gradio")
    parent = configured.parent if configured.name.startswith(PREFIX) else configured
    try:
        folder = _process_folder(parent).path
    except OSError as error:
        raise UsageError(
            message(
                "The upload folder cannot be written: {strerror}. Set GRADIO_TEMP_DIR to a folder that can be "
                "written. Received: {parent}.",
                strerror=error.strerror,
                parent=parent,
            )
        ) from None
    gradio_environment.set_upload_folder(str(folder))
    return folder


@functools.cache
def _process_folder(parent: Path) -> ProcessTempdir:
    parent.mkdir(parents=True, exist_ok=True)
    return ProcessTempdir(parent, PREFIX)
