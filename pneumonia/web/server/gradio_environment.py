"""Access to `GRADIO_TEMP_DIR`, the upload folder. Gradio reads it at each upload and has no parameter for it."""

from __future__ import annotations

import os

_UPLOAD_FOLDER = "GRADIO_TEMP_DIR"


def upload_folder() -> str:
    """Return the path of the upload folder; "" if the variable is not set."""
    return os.environ.get(_UPLOAD_FOLDER, "")


def set_upload_folder(folder: str) -> None:
    """Make Gradio write uploads into `folder`."""
    os.environ[_UPLOAD_FOLDER] = folder
