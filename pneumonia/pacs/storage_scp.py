"""The storage SCP: associations of allowed peers, C-ECHO and C-STORE (DICOM PS3.4, annexes A and B)."""

from __future__ import annotations

import itertools
import ssl
import threading
import time
from functools import partial
from pathlib import Path

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import EventHandlerType
from pynetdicom.pdu import P_DATA_TF

from ..errors import UsageError
from ..messages import message
from ..reporting.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from .association_server import AssociationServer, ConnectionLimits
from .configuration import Configuration, Limits
from .events import AssociationEvent, Events
from .guarded_socket import PduLimits
from .queue import Reception
from .reception import ReceivedObject, Receiver
from .sop_classes import FILM_CLASSES, supported_contexts
from .tls import server_context
from .tls_renewal import TlsReloader
from .transfers import Transfer

_PERMANENT, _TRANSIENT = 1, 2
_REJECTIONS = {
    "calling_ae_title": (_PERMANENT, 1, 3),
    "called_ae_title": (_PERMANENT, 1, 7),
    "too_many_of_peer": (_TRANSIENT, 3, 2),
    "draining": (_TRANSIENT, 3, 1),
    "no_disk_space": (_TRANSIENT, 3, 1),
}
"""Reason -> result, source and diagnostic of A-ASSOCIATE-RJ (PS3.8, table 9-21). An address that is not allowed is
answered as an unknown calling AE title: the answer does not say which titles exist."""

_SPARE_CONNECTIONS = 10
"""Connections above the limit of associations, so that a peer gets a rejection with its reason."""


class StorageScp:
    """The listening application entity. `listen` opens the port, `stop` closes it and ends the associations."""

    def __init__(self, configuration: Configuration, receiver: Receiver, events: Events) -> None:
        self._configuration, self._receiver, self._events = configuration, receiver, events
        self._transfers: dict[Association, Transfer] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._is_started = self._is_draining = False
        self._server: AssociationServer | None = None
        self._tls: TlsReloader[ssl.SSLContext] | None = None

    @property
    def port(self) -> int:
        """The TCP port on which the SCP listens."""
        assert self._server is not None
        return int(self._server.server_address[1])

    @property
    def is_listening(self) -> bool:
        """True between `start` and `stop`."""
        return self._is_started and not self._is_draining

    @property
    def open_associations(self) -> int:
        """Number of associations that are established."""
        with self._lock:
            return len(self._transfers)

    def listen(self) -> None:
        """Open the port, on which connections wait for `start`; raises `UsageError`, also for a file of TLS."""
        service, self._tls = self._configuration.service, self._incoming_tls()
        try:
            server = _entity(service.ae_title, self._configuration.limits).make_server(
                (service.host, service.port),
                contexts=supported_contexts(),
                ssl_context=None if self._tls is None else self._tls.current(),
                evt_handlers=self._handlers(),
                server_class=AssociationServer,
                connections=_connection_limits(self._configuration.limits),
                pdus=_pdu_limits(self._configuration.limits, self._events),
            )
        except OSError as error:
            raise UsageError(
                message(
                    "The service cannot listen on port {port} of {host}: {reason}.",
                    port=service.port,
                    host=service.host,
                    reason=error.strerror,
                )
            ) from None
        assert isinstance(server, AssociationServer)
        self._server = server

    def _incoming_tls(self) -> TlsReloader[ssl.SSLContext] | None:
        tls = self._configuration.tls
        if not tls.incoming:
            return None
        read = partial(server_context, require_client_certificate=tls.client_certificates)
        return TlsReloader("incoming", self._configuration.tls_files, read)

    def renew_certificate(self) -> None:
        """Read the files of TLS again if they have changed, for new connections; called now and then."""
        if self._tls is not None and self._server is not None:
            self._server.use_tls(self._tls.current())

    def _handlers(self) -> list[EventHandlerType]:
        return [
            (evt.EVT_REQUESTED, self._on_request),
            (evt.EVT_ACCEPTED, self._on_accepted),
            (evt.EVT_PDU_RECV, self._on_pdu),
            (evt.EVT_DIMSE_SENT, self._on_response_sent),
            (evt.EVT_C_STORE, self._on_c_store),
            (evt.EVT_CONN_CLOSE, self._on_connection_closed),
        ]

    def start(self) -> None:
        """Accept associations in a new thread."""
        assert self._server is not None
        self._server.start()
        self._is_started = True

    def stop(self, drain_s: float) -> None:
        """Accept no association any more; those that are open get `drain_s` seconds, then they are aborted."""
        self._is_draining = True
        if self._server is None:
            return
        if not self._is_started:
            self._server.server_close()
            return
        self._server.shutdown()
        deadline = time.monotonic() + drain_s
        while self.open_associations and time.monotonic() < deadline:
            time.sleep(0.02)
        for association in self._server.active_associations:
            association.abort()

    # ------------------------------------------------------------------ events of associations, in their threads

    def _on_request(self, event: evt.Event) -> None:
        """Reject an association request that is not allowed, before pynetdicom negotiates."""
        association = event.assoc
        request = association.requestor.primitive
        assert request is not None
        calling, called = request.calling_ae_title.strip(), request.called_ae_title.strip()
        reason = self._rejection(association, calling, called)
        if reason is not None:
            association.acse.send_reject(*_REJECTIONS[reason])
            association.kill()
            self._events.association(AssociationEvent(next(self._numbers), calling, reason))

    def _rejection(self, association: Association, calling: str, called: str) -> str | None:
        address = association.requestor.address
        if self._is_draining:
            return "draining"
        if not self._configuration.allows(calling, address):
            return "calling_ae_title"
        if called != self._configuration.service.ae_title:
            return "called_ae_title"
        if self._receiver.disk.is_full():
            return "no_disk_space"
        self.forget_ended()
        with self._lock:
            of_peer = sum(other.requestor.address == address for other in self._transfers)
        return "too_many_of_peer" if of_peer >= self._configuration.limits.max_associations_per_peer else None

    def _on_accepted(self, event: evt.Event) -> None:
        limits = self._configuration.limits
        skipped = {
            context.context_id
            for context in event.assoc.accepted_contexts
            if str(context.abstract_syntax) not in FILM_CLASSES
        }
        transfer = Transfer(
            next(self._numbers),
            limits.max_object_mb * 1_000_000,
            limits.object_timeout_s,
            skipped.__contains__,
            self._receiver.disk.is_low,
        )
        with self._lock:
            self._transfers[event.assoc] = transfer

    def _on_pdu(self, event: evt.Event) -> None:
        transfer = self._transfers.get(event.assoc)
        if transfer is None or not isinstance(event.pdu, P_DATA_TF):
            return
        violation = transfer.follow(event.pdu)
        if violation:
            self._events.connection(violation)
            event.assoc.abort(block=False)

    def _on_response_sent(self, event: evt.Event) -> None:
        transfer = self._transfers.get(event.assoc)
        if transfer is not None:
            transfer.response_sent()

    def _on_c_store(self, event: evt.Event) -> Dataset:
        transfer, request = self._transfers[event.assoc], event.request
        assert isinstance(request, C_STORE)
        transfer.objects += 1
        path = getattr(event, "dataset_path", None)  # missing if the command announces no data set
        size, had_no_space = transfer.take_object() if path else (0, False)
        reception = Reception(
            event.assoc.requestor.ae_title.strip(),
            str(request.AffectedSOPClassUID),
            str(request.AffectedSOPInstanceUID),
            str(event.context.transfer_syntax),
        )
        is_too_large = size > transfer.max_object_bytes
        abstract_syntax = str(event.context.abstract_syntax)
        file = path and Path(path)
        received = ReceivedObject(file, reception, abstract_syntax, size, is_too_large, had_no_space)
        return self._receiver.receive(received)

    def _on_connection_closed(self, event: evt.Event) -> None:
        self._forget(event.assoc)

    def forget_ended(self) -> None:
        """Forget associations whose threads ended without the event of a closed connection."""
        with self._lock:
            ended = [association for association in self._transfers if not association.is_alive()]
        for association in ended:
            self._forget(association)

    def _forget(self, association: Association) -> None:
        with self._lock:
            transfer = self._transfers.pop(association, None)
        if transfer is None:
            return
        self._events.association(
            AssociationEvent(
                transfer.number,
                association.requestor.ae_title.strip(),
                "released" if association.is_released else "aborted",
                transfer.objects,
                transfer.size,
                transfer.clock() - transfer.opened_at,
            )
        )


def _connection_limits(limits: Limits) -> ConnectionLimits:
    return ConnectionLimits(
        limits.max_associations + _SPARE_CONNECTIONS,
        limits.max_associations_per_peer + _SPARE_CONNECTIONS // 2,
    )


def _pdu_limits(limits: Limits, events: Events) -> PduLimits:
    return PduLimits(
        limits.max_pdu_kb * 1_024, limits.pdu_timeout_s, 3_600 * limits.max_association_h, events.connection
    )


def _entity(ae_title: str, limits: Limits) -> AE:
    entity = AE(ae_title)
    entity.maximum_associations = limits.max_associations
    entity.maximum_pdu_size = limits.max_pdu_kb * 1_024
    entity.acse_timeout = limits.association_timeout_s
    entity.network_timeout = limits.idle_timeout_s
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    return entity
