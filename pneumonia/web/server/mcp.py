"""The endpoints as tools of an MCP server, if `PNEUMONIA_MCP` is set.

An MCP client passes a film as a public URL (Gradio refuses URLs of this machine and its network) or inline, as a
`data:` URL.
"""

from __future__ import annotations

from importlib.util import find_spec

import gradio as gr
from gradio import processing_utils

from ... import settings
from ...errors import UsageError
from . import gradio_environment


def mcp_enabled() -> bool:
    """Return whether the page is also an MCP server.

    Raises `UsageError` if the package `mcp` is missing, or if a login is set: Gradio's MCP server does not check it.
    """
    if not settings.MCP.read():
        return False
    if find_spec("mcp") is None:
        raise UsageError(
            "PNEUMONIA_MCP needs the package mcp, which is not installed. Run pip install -r requirements-mcp.txt."
        )
    if settings.AUTH.read():
        raise UsageError(
            "PNEUMONIA_MCP does not support a login. Allowed: PNEUMONIA_MCP without PNEUMONIA_AUTH, behind a proxy "
            "that requires one."
        )
    return True


def track_inline_films(page: gr.Blocks) -> None:
    """Delete films that arrive inline after the retention time, like uploads.

    Gradio writes such a film to its folder before it handles it as an upload, and does not record the first file. Wraps
    a function of Gradio, because Gradio has no hook for it.
    """
    inline_films: set[str] = set()
    page.temp_file_sets.append(inline_films)
    save = processing_utils.save_base64_to_cache

    def save_and_track(base64_encoding: str, cache_dir: str, file_name: str | None = None) -> str:
        path = save(base64_encoding, gradio_environment.upload_folder(), file_name)
        inline_films.add(path)
        return path

    processing_utils.save_base64_to_cache = save_and_track
