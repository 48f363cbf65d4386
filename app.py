"""Entry point of the web page, on a machine or on a Hugging Face Space: `python app.py [--share]`."""

from __future__ import annotations

import gc

# The imports run without garbage collection: they create almost no garbage, but each collection scans all objects
# created so far, which takes a fifth of the start-up time. `gc.freeze` excludes these objects from later collections.
gc.disable()

import argparse
import logging
import sys

from pneumonia import PneumoniaError, load_predictor, operating_system, settings
from pneumonia.errors import InternalError
from pneumonia.imaging.process_hardening import harden_process
from pneumonia.web import page
from pneumonia.web.server import gradio_environment, http_server, request_log, sharing

gc.freeze()
gc.enable()


def main() -> int:
    operating_system.make_output_robust()
    parser = argparse.ArgumentParser(
        description="Serve the page of the chest X-ray assistant on http://127.0.0.1:7860."
    )
    parser.add_argument(
        "--share", action="store_true", help="create a public link that anyone can use while the page runs"
    )
    options = parser.parse_args()
    harden_process()
    request_log.configure()
    operating_system.limit_malloc_arenas()
    gradio_environment.bypass_proxy_for_this_machine()
    try:
        is_shared = options.share or settings.SHARE.read()
        if is_shared and not settings.AUTH.read():
            logging.warning(
                "ANYONE WITH THE LINK CAN USE THIS PAGE, and films pass through Gradio's relay. Set PNEUMONIA_AUTH to "
                "require a login."
            )
        host, ports = http_server.configured_address()
        page.mount_options()  # reports an invalid setting before the model is loaded, which may be a download
        web_app = page.create_app(load_predictor())
        server = http_server.PageServer(web_app, host=host, ports=ports)
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    except Exception as error:
        print(f"internal: {InternalError.from_exception(error).message}", file=sys.stderr)
        return 2
    print(f"* Running on local URL:  {server.address}", flush=True)
    if is_shared:
        sharing.share_when_started(server, web_app.state.page)
    server.serve_until_signal()
    return 0


if __name__ == "__main__":
    sys.exit(main())
