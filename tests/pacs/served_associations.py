"""An SCP for verification and CR in the test process, with the limits of a test."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pynetdicom

from pneumonia.pacs.association_server import AssociationServer, ConnectionLimits
from pneumonia.pacs.guarded_socket import PduLimits

from ..support import upper_layer

MAX_PDU = 16384


@contextmanager
def serving(
    *,
    pdu_timeout_s: float = 20,
    association_timeout_s: float = 20,
    total: int = 50,
    per_address: int = 50,
    tls: ssl.SSLContext | None = None,
    acse_timeout_s: float = 20,
) -> Iterator[tuple[int, list[str]]]:
    """(port, reasons that the server reported) of an SCP for verification and CR."""
    entity = pynetdicom.AE("PNEUMONIA")
    entity.maximum_pdu_size, entity.acse_timeout = MAX_PDU, acse_timeout_s
    for abstract, transfer in upper_layer.CONTEXTS.values():
        entity.add_supported_context(abstract, transfer)
    reasons: list[str] = []
    server: Any = entity.make_server(
        ("127.0.0.1", 0),
        server_class=AssociationServer,
        connections=ConnectionLimits(total, per_address),
        pdus=PduLimits(MAX_PDU, pdu_timeout_s, association_timeout_s, reasons.append),
        ssl_context=tls,
    )
    server.start()
    try:
        yield server.server_address[1], reasons
    finally:
        server.shutdown()
        for association in server.active_associations:
            association.abort()
