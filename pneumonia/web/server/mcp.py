"""MCP server (Model Context Protocol): offers the endpoints as tools if `PNEUMONIA_MCP` is set.

An MCP client passes a film as a public URL or inline as a `data:` URL. Gradio refuses URLs of this machine and of its
local network.
"""

from __future__ import annotations

from importlib.util import find_spec

from ... import settings
from ...errors import UsageError


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
