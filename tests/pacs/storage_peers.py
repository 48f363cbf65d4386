"""Peers of the storage SCU: scripted SCPs, DCMTK's storescp, certificates by openssl, and result objects."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from socketserver import BaseServer

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    generate_uid,
)
from pynetdicom import AE, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.transport import ThreadedAssociationServer

from pneumonia.pacs.tls import TlsFiles

from ..support.dicom_programs import find_program

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the program openssl is not installed")


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait until a condition holds; fails after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.01)


def write_object(folder: Path, sop_class: UID = ComprehensiveSRStorage, size: int = 1000, **values: object) -> Path:
    """A DICOM file with the identity of a result object and `size` pixels (a multiple of 1000); returns its path."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.PatientName, dataset.PatientID = "DOE^JANE", "MRN-4711"
    if sop_class == SecondaryCaptureImageStorage:
        dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = max(1, size // 1000), 1000, 1
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.PixelData = bytes(size)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    path = folder / f"{dataset.SOPInstanceUID}.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


@dataclass
class ScriptedScp:
    """A storage SCP. `answers`: for each C-STORE a status, or a function that gets the event; then 0000H."""

    port: int
    answers: list[int | Callable[[Event], int]] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    """SOP Instance UIDs that were answered with success or a warning, in order."""
    refused: dict[str, int | Callable[[Event], int]] = field(default_factory=dict)
    """Answers by SOP Instance UID, which come before `answers`."""
    requests: int = 0
    associations: int = 0

    def answer(self, event: Event) -> int:
        self.requests += 1
        assert isinstance(event.request, C_STORE)
        uid = str(event.request.AffectedSOPInstanceUID)
        answer = self.refused.get(uid)
        if answer is None:
            answer = self.answers.pop(0) if self.answers else 0x0000
        status = answer(event) if callable(answer) else answer
        if status == 0x0000 or 0xB000 <= status <= 0xBFFF:
            self.stored.append(uid)
        return status

    def count_association(self, event: Event) -> None:
        self.associations += 1


def abort(event: Event) -> int:
    """An answer that aborts the association instead."""
    event.assoc.abort()
    return 0xC000


@contextmanager
def scripted_scp(
    answers: Sequence[int | Callable[[Event], int]] = (),
    *,
    port: int = 0,
    sop_classes: Sequence[UID] = (ComprehensiveSRStorage, SecondaryCaptureImageStorage),
    ae_title: str = "PACS",
    require_calling: Sequence[str] = (),
    tls: ssl.SSLContext | None = None,
    syntaxes: Sequence[UID] = (ExplicitVRLittleEndian,),
    on_data: Callable[[Event], object] | None = None,
) -> Iterator[ScriptedScp]:
    """Run a scripted SCP on 127.0.0.1 in threads of this process."""
    peer = ScriptedScp(port, list(answers))
    entity = AE(ae_title)
    entity.require_called_aet = True
    entity.require_calling_aet = list(require_calling)
    for sop_class in sop_classes:
        entity.add_supported_context(sop_class, list(syntaxes))
    handlers: list[evt.EventHandlerType] = [
        (evt.EVT_C_STORE, peer.answer),
        (evt.EVT_ESTABLISHED, peer.count_association),
    ]
    if on_data is not None:
        handlers.append((evt.EVT_DATA_RECV, on_data))
    # As `AE.start_server`, which looks for the end of the server every half second only.
    server = entity.make_server(
        ("127.0.0.1", port),
        evt_handlers=handlers,
        ssl_context=tls,
        server_class=ThreadedAssociationServer,
    )
    peer.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield peer
    finally:
        BaseServer.shutdown(server)
        server.server_close()
        for association in server.active_associations:
            association.abort()


@contextmanager
def storescp(folder: Path, port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run DCMTK's storescp, which writes what it receives into `folder`; skips the test where it is missing."""
    folder.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [find_program("storescp"), "-aet", "PACS", "-od", str(folder), *options, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(lambda: process.poll() is not None or _listens(port))
        assert process.poll() is None, process.stderr.read() if process.stderr else b""
        yield process
    finally:
        process.kill()
        process.communicate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Certificates:
    """PEM files of an authority, and of certificates for `localhost` and 127.0.0.1."""

    folder: Path

    def files(self, name: str, authority: str = "ca") -> TlsFiles:
        """Certificate and key `name`, and the authority that is trusted."""
        return TlsFiles(self.folder / f"{name}.pem", self.folder / f"{name}.key", self.folder / f"{authority}.pem")


_NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout"


@cache
def make_certificates(folder: Path) -> Certificates:
    """`service`, `peer` and `expired`, signed by `ca`; `other` and its authority `otherca`."""
    (folder / "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n", encoding="utf-8")
    for authority in ("ca", "otherca"):
        _openssl(folder, f"req -x509 {_NEW_KEY} {authority}.key -out {authority}.pem -days 30 -subj /CN={authority}")
    authorities = {"service": "ca", "peer": "ca", "expired": "ca", "other": "otherca"}
    for name, authority in authorities.items():
        days = -1 if name == "expired" else 20
        signer = f"-CA {authority}.pem -CAkey {authority}.key -CAcreateserial"
        _openssl(folder, f"req {_NEW_KEY} {name}.key -out {name}.csr -subj /CN={name}")
        _openssl(folder, f"x509 -req -in {name}.csr {signer} -out {name}.pem -days {days} -extfile extensions")
    return Certificates(folder)


def _openssl(folder: Path, command: str) -> None:
    subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
