"""Start of the web page: `python app.py`, which a Hugging Face Space runs, and `pneumonia serve`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from .. import PneumoniaError, load_predictor, operating_system, settings
from ..errors import InternalError
from ..imaging.process_hardening import harden_process
from . import page
from .server import gradio_environment, http_server, request_log, sharing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python app.py`; returns its exit code. `arguments` defaults to `sys.argv[1:]`."""
    operating_system.make_output_robust()
    parser = argparse.ArgumentParser(
        description="Serve the page of the chest X-ray assistant on http://127.0.0.1:7860."
    )
    parser.add_argument(
        "--share", action="store_true", help="create a public link that anyone can use while the page runs"
    )
    options = parser.parse_args(arguments)
    harden_process()
    try:
        serve(share=options.share)
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    except Exception as error:
        print(f"internal: {InternalError.from_exception(error).message}", file=sys.stderr)
        return 2
    return 0


def serve(*, share: bool) -> None:
    """Serve the page until a signal. `share`: create a public link, also if `PNEUMONIA_SHARE` is not set.

    Raises `PneumoniaError` if a setting is invalid, or if the model cannot be loaded. Changes the logging and the
    memory allocation of the process.
    """
    request_log.configure()
    operating_system.limit_malloc_arenas()
    gradio_environment.bypass_proxy_for_this_machine()
    is_shared = share or settings.SHARE.read()
    if is_shared and not settings.AUTH.read():
        logging.warning(
            "ANYONE WITH THE LINK CAN USE THIS PAGE, and films pass through Gradio's relay. Set PNEUMONIA_AUTH to "
            "require a login."
        )
    host, ports = http_server.configured_address()
    page.mount_options()  # reports an invalid setting before the model is loaded, which may be a download
    web_app = page.create_app(load_predictor())
    server = http_server.PageServer(web_app, host=host, ports=ports)
    print(f"* Running on local URL:  {server.address}", flush=True)
    if is_shared:
        sharing.share_when_started(server, web_app.state.page)
    server.serve_until_signal()
