"""The page as an installed app: web app manifest, icons, and the elements in the page's `<head>` that refer to them.

Gradio's own option `pwa` has no maskable icon, no theme colours and absolute addresses, which are wrong below a path
prefix. No service worker is registered: one could keep films or answers on the device, and browsers install a page
without one.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ...errors import UsageError
from ...languages import LANGUAGES, current_language
from ...messages import message, translate
from ...reporting.wording import TITLE
from ..rendering import render
from . import route_policy

SHORT_NAME = message("Chest films")
DESCRIPTION = message("Frontal chest films: Normal, Pneumonia or Unknown. A support tool for medical staff.")

FOLDER = Path(__file__).parents[1] / "icons"
"""The icons. `python -m tests.web.app_icons` draws the PNG files from the SVG files."""

ICON_SIDES = {"icon-192.png": 192, "icon-512.png": 512, "icon-maskable-512.png": 512, "apple-touch-icon.png": 180}
"""File name -> side in pixels. Chromium asks for 192 and 512 pixels; iOS takes `apple-touch-icon` of 180 pixels."""

THEME_COLOURS = {"light": "#ffffff", "dark": "#0f0f11"}
"""Background of the page by colour scheme, which Android and iPadOS use for the bar above the page. Gradio's theme has
the same values; a test compares them."""

_CACHE = {"Cache-Control": "public, max-age=86400"}

_GRADIO_LINK = re.compile(rb'[<]link rel="manifest"[^>]*>')
"""Stands in Gradio's page. Its address is that of the server's root, and it is requested without cookies, so a proxy
with a login in front of the page refuses it."""


def manifest() -> dict[str, object]:
    """The web app manifest in the language of the request.

    Its addresses are relative to its own, so they are right below any path prefix.
    """
    icons = [_icon("icon-192.png"), _icon("icon-512.png"), _icon("icon-maskable-512.png", "maskable")]
    return {
        "name": translate(TITLE),
        "short_name": translate(SHORT_NAME),
        "description": translate(DESCRIPTION),
        "lang": LANGUAGES[current_language()].tag,
        "id": "./",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": THEME_COLOURS["light"],
        "theme_color": THEME_COLOURS["light"],
        "categories": ["medical"],
        "icons": [*icons, {"src": "icons/icon.svg", "type": "image/svg+xml", "sizes": "any", "purpose": "any"}],
    }


def _icon(name: str, purpose: str = "any") -> dict[str, str]:
    side = ICON_SIDES[name]
    return {"src": f"icons/{name}", "type": "image/png", "sizes": f"{side}x{side}", "purpose": purpose}


async def _manifest(_: Request) -> Response:
    return Response(
        json.dumps(manifest()), media_type="application/manifest+json", headers={**_CACHE, "Vary": "Accept-Language"}
    )


async def _icon_file(request: Request) -> Response:
    path = FOLDER / request.path_params["name"]
    if path.name not in {*ICON_SIDES, "icon.svg", "icon-maskable.svg"}:
        return route_policy.error_response(404, UsageError("Unknown icon. Allowed: those of manifest.json."))
    return FileResponse(path, headers=_CACHE)


ROUTES = (
    Route("/manifest.json", _manifest, methods=["GET"]),
    Route("/icons/{name}", _icon_file, methods=["GET"]),
)


def add_links(page: bytes) -> bytes:
    """Gradio's HTML page with this module's links, and the style of the document, in place of Gradio's manifest."""
    links = render("document_head.html", colours=THEME_COLOURS, style=_style()).encode()
    return _GRADIO_LINK.sub(lambda _: links, page, count=1)


@cache
def _style() -> str:
    return (FOLDER.parent / "document.css").read_text(encoding="utf-8")
