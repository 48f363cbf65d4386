"""A public link through Gradio's relay, as `Blocks.launch(share=True)` creates it."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit, urlunsplit

import gradio as gr
from gradio import networking

from . import gradio_environment
from .http_server import PageServer

_POLL_INTERVAL_S = 0.1


def share_when_started(server: PageServer, page: gr.Blocks) -> threading.Thread | None:
    """Create a public link as soon as `server` answers, and print it; return the thread that does so.

    `mount_gradio_app` has no parameter for it. `networking.setup_tunnel` is the function that `launch` calls.
    """
    if gradio_environment.is_on_space():
        print("A Space has a public address; no Gradio link is created.", flush=True)
        return None
    page.share = True  # Gradio's robots.txt then asks search engines to stay away
    thread = threading.Thread(target=_share, args=(server, page), daemon=True)
    thread.start()
    return thread


def _share(server: PageServer, page: gr.Blocks) -> None:
    while not server.started:
        time.sleep(_POLL_INTERVAL_S)
    try:
        link = networking.setup_tunnel(
            local_host=server.host,
            local_port=server.port,
            share_token=page.share_token,
            share_server_address=None,
            share_server_tls_certificate=None,
        )
    except Exception as error:
        print(
            f"Could not create a public link ({type(error).__name__}). The page runs on {server.address}.", flush=True
        )
        return
    print(f"* Running on public URL: {urlunsplit(('https', *urlsplit(link)[1:]))}", flush=True)
