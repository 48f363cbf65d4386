"""Storage SCU: sends result objects by C-STORE, over an association that stays open while there is work."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import (
    UID,
    ColorSoftcopyPresentationStateStorage,
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE, Association, evt
from pynetdicom.presentation import PresentationContext, build_context

from ..reporting.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from .destinations import Destination
from .outcome import Outcome, Verdict
from .response_queue import KEEP_RESPONSES
from .scu_connection import AcknowledgingTlsSocket, explain_no_association, limit_socket_waits
from .store_status import outcome_of
from .tls import TlsFiles, client_context
from .tls_renewal import TlsReloader

RESULT_SOP_CLASSES = {
    # The second one with `sr_class` of [results].
    "dicom-sr": (ComprehensiveSRStorage, Comprehensive3DSRStorage),
    "secondary-capture": (SecondaryCaptureImageStorage,),
    # The second one for films in colour.
    "presentation-state": (GrayscaleSoftcopyPresentationStateStorage, ColorSoftcopyPresentationStateStorage),
    "encapsulated-pdf": (EncapsulatedPDFStorage,),
}
"""Kind of result objects -> their SOP classes, the usual one first; an association proposes each."""

TRANSFER_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
"""Each is proposed in a presentation context of its own, so that the destination can accept both."""


class StoreScu:
    """One destination, used by one thread.

    `send` opens an association if none is open. A destination closes idle associations at its own pace, so an object
    that is lost on an association that was open before is sent once more on a new one before the attempt counts.
    """

    def __init__(self, destination: Destination, ae_title: str, files: TlsFiles | None = None) -> None:
        """`files` of TLS, None: a connection without it. Raises `UsageError` if one cannot be used."""
        self._destination = destination
        self._tls = None if files is None else TlsReloader(destination.name, files, client_context)
        self._ae = AE(destination.calling_ae_title or ae_title)
        self._ae.connection_timeout = self._ae.acse_timeout = destination.connect_timeout_s
        self._ae.dimse_timeout = destination.response_timeout_s
        self._ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        self._ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        # The idle time is ours; the timeout of the library is for a destination that neither answers nor closes.
        self._ae.network_timeout = destination.response_timeout_s + destination.idle_s
        self._association: Association | None = None
        self._used_at = 0.0
        self._message_id = 0

    @property
    def is_open(self) -> bool:
        return self._association is not None and self._association.is_established

    def send(self, path: Path) -> Outcome:
        """Send the DICOM file at `path`; raises only what is a bug or a damaged file of our own."""
        meta = read_file_meta_info(path)
        was_open = self.is_open
        outcome = self._send(path, meta)
        if outcome.verdict is Verdict.INTERRUPTED and was_open:
            outcome = self._send(path, meta)
        return outcome

    def _send(self, path: Path, meta: Dataset) -> Outcome:
        sop_class = UID(meta.MediaStorageSOPClassUID)
        if not self.is_open and (failure := self._associate()) is not None:
            return failure
        if self._association is None or not _accepts(self._association, sop_class):
            return Outcome(
                Verdict.REFUSED,
                "sop_class_not_supported",
                f"The destination accepts no presentation context for {sop_class.name}.",
            )
        is_accepted_as_stored = _accepts(self._association, sop_class, meta.TransferSyntaxUID)
        # A path is sent as it is, without decoding and encoding (`network_library`).
        response = self._store(path if is_accepted_as_stored else dcmread(path))
        self._used_at = time.monotonic()
        if "Status" in response:
            return outcome_of(response.Status)
        self.close()
        return Outcome(
            Verdict.INTERRUPTED, "no_response", "The association ended before the destination answered the C-STORE."
        )

    def _store(self, dataset: Dataset | Path) -> Dataset:
        assert self._association is not None
        self._message_id = self._message_id % 0xFFFF + 1
        try:
            return self._association.send_c_store(dataset, msg_id=self._message_id)
        except RuntimeError:  # the destination ended the association since `is_open` was asked
            return Dataset()

    def _associate(self) -> Outcome | None:
        """Open an association; returns the outcome for all objects if there is none."""
        destination, tls = self._destination, None if self._tls is None else self._tls.current()
        if tls is not None:
            tls.sslsocket_class = AcknowledgingTlsSocket
        try:
            association = self._ae.associate(
                destination.host,
                destination.port,
                contexts=_proposed_contexts(),
                ae_title=destination.ae_title,
                tls_args=None if tls is None else (tls, destination.tls_name or destination.host),
                evt_handlers=[
                    (evt.EVT_CONN_OPEN, limit_socket_waits, [destination.response_timeout_s]),
                    *KEEP_RESPONSES,
                ],
            )
        except socket.gaierror:
            return Outcome(Verdict.UNAVAILABLE, "name_not_found", "The host name of the destination is not known.")
        if association.is_established:
            self._association = association
            return None
        return explain_no_association(association, destination, tls)

    def check(self, sop_classes: Sequence[str]) -> str:
        """Open and release an association; returns the problem, "" if the classes are accepted."""
        failure = self._associate()
        if failure is not None or self._association is None:
            return "" if failure is None else failure.detail
        association = self._association
        refused = [UID(sop_class).name for sop_class in sop_classes if not _accepts(association, sop_class)]
        self.close()
        return f"The destination does not accept {', '.join(refused)}." if refused else ""

    def close_if_idle(self) -> None:
        """Release the association if nothing was sent for `idle_s` seconds."""
        if self._association is not None and time.monotonic() - self._used_at > self._destination.idle_s:
            self.close()

    def close(self) -> None:
        """Release the association, if one is open."""
        association, self._association = self._association, None
        if association is not None and association.is_established:
            association.release()


def _accepts(association: Association, sop_class_uid: str, syntax: str | None = None) -> bool:
    """Whether the peer accepts the class, in the transfer syntax `syntax` unless it is None."""
    return any(
        context.abstract_syntax == sop_class_uid and syntax in {None, context.transfer_syntax[0]}
        for context in association.accepted_contexts
    )


def _proposed_contexts() -> list[PresentationContext]:
    sop_classes = [sop_class for classes in RESULT_SOP_CLASSES.values() for sop_class in classes]
    return [build_context(sop_class, syntax) for sop_class in sop_classes for syntax in TRANSFER_SYNTAXES]
