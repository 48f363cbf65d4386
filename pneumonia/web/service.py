"""The web service: page, ASGI application and HTTP server, until a signal. Importing this module imports Gradio."""

from __future__ import annotations

import logging

from .. import load_predictor, operating_system, settings
from ..monitoring.recorder import recorder
from . import page
from .server import gradio_environment, http_server, request_log, sharing

log = logging.getLogger("pneumonia")


def run(*, share: bool) -> None:
    """Serve the page until a signal. `share`: create a public link, also if `PNEUMONIA_SHARE` is not set.

    Raises `PneumoniaError` if a setting is invalid, or if the model cannot be loaded. Changes the logging and the
    memory allocation of the process.
    """
    request_log.configure()
    operating_system.limit_malloc_arenas()
    gradio_environment.bypass_proxy_for_this_machine()
    is_shared = share or settings.SHARE.read()
    if is_shared and not settings.AUTH.read():
        log.warning(
            "ANYONE WITH THE LINK CAN USE THIS PAGE, and films pass through Gradio's relay. Set PNEUMONIA_AUTH to "
            "require a login."
        )
    if settings.TOKENS.read() and not settings.AUTH.read():
        log.warning(
            "PNEUMONIA_TOKENS protects the REST API only; page and Gradio endpoints are open. Set PNEUMONIA_AUTH to "
            "require a login."
        )
    host, ports = http_server.configured_address()
    page.mount_options()  # reports an invalid setting before the model is loaded, which may be a download
    recorder()  # the same
    web_app = page.create_app(load_predictor())
    server = http_server.PageServer(web_app, host=host, ports=ports)
    print(f"* Running on local URL:  {server.address}", flush=True)
    if is_shared:
        sharing.share_when_started(server, web_app.state.page)
    server.serve_until_signal()
