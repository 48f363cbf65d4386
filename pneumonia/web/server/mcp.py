"""For agents: the endpoints as tools of an MCP server, behind `PNEUMONIA_MCP`.

An agent sends a film as an address on the open web (Gradio refuses addresses on this machine and its network) or inside
its call, as a `data:` address.
"""

from __future__ import annotations

from importlib.util import find_spec

import gradio as gr
from gradio import processing_utils

from ... import settings
from ...errors import UsageError
from . import gradio_environment


def mcp_enabled() -> bool:
    """Whether to be an MCP server; raises `UsageError` where it cannot be, or would let in who may not come in."""
    if not settings.MCP.read():
        return False
    if find_spec("mcp") is None:
        raise UsageError("PNEUMONIA_MCP needs what is not installed. Allowed: pip install -r requirements-mcp.txt.")
    if settings.AUTH.read():
        raise UsageError(
            "PNEUMONIA_MCP knows no login. Allowed: PNEUMONIA_MCP without PNEUMONIA_AUTH, behind a proxy that asks."
        )
    return True


def track_inline_films(page: gr.Blocks) -> None:
    """Have the films that come inside a call deleted like uploads.

    Gradio writes each to its folder before it makes the upload of it, and then does not know it any more.
    """
    inline_films: set[str] = set()
    page.temp_file_sets.append(inline_films)
    save = processing_utils.save_base64_to_cache

    def save_and_track(base64_encoding: str, cache_dir: str, file_name: str | None = None) -> str:
        path = save(base64_encoding, gradio_environment.upload_folder(), file_name)
        inline_films.add(path)
        return path

    processing_utils.save_base64_to_cache = save_and_track
