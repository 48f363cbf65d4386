"""An upload as the handlers get it: where the bytes lie, and what the user calls them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ListFiles


@dataclass(frozen=True)
class Upload:
    """`path` is gradio's temporary copy; `name` is the caller's, for answers only, never to open anything."""

    path: Path
    name: str


def film_file(**options: Any) -> gr.File:
    """A `gr.File` whose handlers get `Upload`s.

    Its own `preprocess` drops the caller's name and leaves an empty temporary file behind for each upload. It is
    replaced on the object, since a subclass makes gradio write a `.pyi` file beside this one.
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
