"""Settings of pynetdicom for the whole process. Entry points call `configure`; nothing else touches these names.

pynetdicom's configuration is its module `_config`, which its documentation describes as public
(https://pydicom.github.io/pynetdicom/stable/reference/config.html). `tests/pacs/test_network_library.py` fails if one
of the settings disappears.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import InternalError


def configure(incoming: Path, report: Callable[[str], None] = lambda reason: None) -> None:
    """Receive objects into files in `incoming`, and keep what a peer sends out of the log.

    `report` is called with `protocol_error` when a peer sends what its state or the protocol does not allow.

    By default pynetdicom collects an object in memory, copies it twice, and logs identifiers of data sets. With this
    setting it writes each fragment to a temporary file, so that an association takes the memory of one PDU. A result is
    sent from its file, too, without decoding and encoding, which takes half of the time of its delivery.
    """
    from pynetdicom import _config

    _config.STORE_RECV_CHUNKED_DATASET = _config.STORE_SEND_CHUNKED_DATASET = True
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
    # Its errors quote UIDs and exceptions of peers; the service logs each rejection and abort itself.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
    tempfile.tempdir = str(incoming)

    def hook(arguments: Any) -> None:
        """Log where a thread failed, without the text of the exception, which may quote what a peer sent."""
        if _is_of_protocol(arguments.exc_traceback):
            report("protocol_error")
        elif isinstance(arguments.exc_value, Exception):
            InternalError.from_exception(arguments.exc_value)

    threading.excepthook = hook


def _is_of_protocol(trace: TracebackType | None) -> bool:
    """Whether an exception ended the thread in which pynetdicom runs the state machine of PS3.8, section 9.2.

    It raises exceptions there for PDUs that are not allowed in the present state, and catches those of our handlers.
    """
    frames = traceback.extract_tb(trace)
    return any(frame.name == "run_reactor" and frame.filename.endswith("dul.py") for frame in frames)
