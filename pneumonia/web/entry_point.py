"""Start of the web page: `python app.py`, which a Hugging Face Space runs, and `pneumonia serve`."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence
from types import ModuleType

from .. import PneumoniaError, operating_system
from ..command_line import SUCCESS, report
from ..errors import InternalError
from ..imaging.process_hardening import harden_process
from .server import upload_folder


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
        return report(error)
    except Exception as error:
        return report(InternalError.from_exception(error))
    return SUCCESS


def serve(*, share: bool) -> None:
    """Serve the page until a signal: see `service.run`, which it calls."""
    # Before the import, because Gradio's MCP server reads the folder when Gradio is imported.
    upload_folder.use_private_folder()
    _import_service().run(share=share)


def _import_service() -> ModuleType:
    """Import the service, and with it Gradio, without garbage collection.

    The imports create almost no garbage, but each collection scans all objects created so far, which takes a fifth of
    the start-up time. `gc.freeze` excludes these objects from later collections.
    """
    gc.disable()
    try:
        from . import service
    finally:
        gc.freeze()
        gc.enable()
    return service
