"""An upload as the handlers get it: where the bytes lie, and what the user calls them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ListFiles
from gradio_client import utils as client_utils

from ... import settings


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
    move = component.async_move_resource_to_block_cache

    async def move_uploaded(path: str | Path | None) -> str | None:
        if client_utils.is_http_url_like(str(path)) and not settings.MCP.read():
            # An agent has no other way to send a film; there Gradio's own guard against inner addresses stands.
            raise gr.Error("Films are uploaded; addresses are not fetched.", print_exception=False)
        return await move(path)

    component.async_move_resource_to_block_cache = move_uploaded  # type: ignore[method-assign, assignment]
    return component


def _upload(payload: ListFiles | FileData | None) -> Any:
    uploads = _uploads(payload)
    return uploads[0] if uploads else None


def _uploads(payload: ListFiles | FileData | None) -> Any:
    if payload is None:
        return []
    files = list(payload) if isinstance(payload, ListFiles) else [payload]
    return [Upload(Path(file.path), file.orig_name or Path(file.path).name) for file in files]
