"""An uploaded file as the handlers receive it, and the Gradio component that provides it."""

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
    """An uploaded file.

    `path` is Gradio's temporary copy. `name` is the caller's file name; it is only for responses, never to open a file.
    """

    path: Path
    name: str


def film_file(**options: Any) -> gr.File:
    """Return a `gr.File` whose handlers receive `Upload` objects.

    `gr.File.preprocess` drops the caller's file name and leaves an empty temporary file for each upload. The method is
    replaced on the object, because for a subclass Gradio writes a `.pyi` file beside this module.
    """
    component = gr.File(**options)
    component.preprocess = _uploads if component.file_count == "multiple" else _upload  # type: ignore[method-assign]
    move = component.async_move_resource_to_block_cache

    async def move_uploaded(path: str | Path | None) -> str | None:
        if client_utils.is_http_url_like(str(path)) and not settings.MCP.read():
            # With MCP, URLs are allowed: an agent has no other way to send a film. Gradio refuses internal addresses.
            raise gr.Error("URLs are not fetched. Upload the film as a file.", print_exception=False)
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
