"""`Upload`, the uploaded file that handlers receive, and the Gradio component that creates it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ListFiles


@dataclass(frozen=True)
class Upload:
    """An uploaded file.

    `path` is Gradio's temporary copy. `name` is the caller's file name. It appears in responses only and must never be
    used to open a file.
    """

    path: Path
    name: str


def film_file(**options: Any) -> gr.File:
    """Return a `gr.File` whose handlers receive `Upload` objects.

    `gr.File.preprocess` drops the caller's file name and leaves an empty temporary file for each upload, so it is
    replaced. It is replaced on the object, because Gradio would write a `.pyi` file beside this module for a subclass.
    """
    component = gr.File(**options)
    component.preprocess = _uploads if component.file_count == "multiple" else _upload  # type: ignore[method-assign]
    return component


def _upload(payload: ListFiles | FileData | None) -> Any:
    uploads = _uploads(payload)
    return uploads[0] if uploads else None


def _uploads(payload: ListFiles | FileData | None) -> Any:
    if payload is None:
        return []
    files = list(payload) if isinstance(payload, ListFiles) else [payload]
    return [Upload(Path(file.path), file.orig_name or Path(file.path).name) for file in files]
