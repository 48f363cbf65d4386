"""Settings of pynetdicom for the whole process. Entry points call `configure`; nothing else touches these names.

pynetdicom's configuration is its module `_config`, which its documentation describes as public
(https://pydicom.github.io/pynetdicom/stable/reference/config.html). `tests/pacs/test_network_library.py` fails if one
of the settings disappears.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from pathlib import Path
from typing import Any

from ..errors import InternalError


def configure(incoming: Path) -> None:
    """Receive objects into files in `incoming`, and keep what a peer sends out of the log.

    By default pynetdicom collects an object in memory, copies it twice, and logs identifiers of data sets. With this
    setting it writes each fragment to a temporary file, so that an association takes the memory of one PDU.
    """
    from pynetdicom import _config

    _config.STORE_RECV_CHUNKED_DATASET = True
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
    # Its errors quote UIDs and exceptions of peers; the service logs each rejection and abort itself.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
    tempfile.tempdir = str(incoming)
    threading.excepthook = _log_location


def _log_location(arguments: Any) -> None:
    """Log where a thread failed, without the text of the exception, which may quote what a peer sent."""
    if isinstance(arguments.exc_value, Exception):
        InternalError.from_exception(arguments.exc_value)
