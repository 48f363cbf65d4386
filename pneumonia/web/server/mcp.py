"""MCP server (Model Context Protocol): offers the endpoints as tools if `PNEUMONIA_MCP` is set.

An MCP client passes a film as a public URL or inline as a `data:` URL. Gradio refuses URLs of this machine and of its
local network.
"""

from __future__ import annotations

from importlib.util import find_spec

import gradio as gr
from gradio import processing_utils

from ... import settings
from ...errors import UsageError
from . import gradio_environment


def mcp_enabled() -> bool:
    """Return True if the page is also an MCP server.

    Raises `UsageError` if the package `mcp` is not installed, or if a login is set, which Gradio's MCP server does not
    check.
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
    """Register inline films for deletion after the retention time, like uploads.

    Gradio decodes an inline film to a file, copies this file as an upload, and records only the copy for deletion. This
    function therefore wraps `save_base64_to_cache`, because Gradio has no hook for it.
    """
    inline_films: set[str] = set()
    page.temp_file_sets.append(inline_films)
    save = processing_utils.save_base64_to_cache

    def save_and_track(base64_encoding: str, cache_dir: str, file_name: str | None = None) -> str:
        path = save(base64_encoding, gradio_environment.upload_folder(), file_name)
        inline_films.add(path)
        return path

    processing_utils.save_base64_to_cache = save_and_track
