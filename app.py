"""Entry point of the web page, on a machine or on a Hugging Face Space: `python app.py [--share]`."""

from __future__ import annotations

import gc

# The imports run without garbage collection: they create almost no garbage, but each collection scans all objects
# created so far, which takes a fifth of the start-up time. `gc.freeze` excludes these objects from later collections.
gc.disable()

import argparse
import logging
import sys

from pneumonia import PneumoniaError, load_predictor
from pneumonia.errors import InternalError
from pneumonia.imaging.process_hardening import harden_process
from pneumonia.web import page
from pneumonia.web.server import request_log, session_memory, shutdown

gc.freeze()
gc.enable()


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Serve the page of the chest X-ray assistant on http://127.0.0.1:7860."
    )
    parser.add_argument(
        "--share", action="store_true", help="create a public link that anyone can use while the page runs"
    )
    share = parser.parse_args().share
    harden_process()
    request_log.configure()
    session_memory.limit_malloc_arenas()
    try:
        options = page.launch_options(share=share)
        if options["share"] and not options["auth"]:
            logging.warning(
                "ANYONE WITH THE LINK CAN USE THIS PAGE, and films pass through Gradio's relay. Set PNEUMONIA_AUTH to "
                "require a login."
            )
        blocks = page.build(load_predictor())
        blocks.launch(**options, prevent_thread_lock=True)
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    except Exception as error:
        print(f"internal: {InternalError.from_exception(error).message}", file=sys.stderr)
        return 2
    shutdown.serve_until_signal(blocks)
    return 0


if __name__ == "__main__":
    sys.exit(main())
