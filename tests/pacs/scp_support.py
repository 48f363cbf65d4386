"""A storage SCP in the test process, with a queue and recorded events; films, and an SCU that sends them."""

from __future__ import annotations

import dataclasses
import logging
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid
from pynetdicom import AE, Association, _config, build_context

from pneumonia.pacs import network_library
from pneumonia.pacs.configuration import Configuration, Limits, Peer, Retention, Service, parse_configuration
from pneumonia.pacs.events import AssociationEvent, Events, FilmEvent, InstanceEvent
from pneumonia.pacs.queue import Queue
from pneumonia.pacs.reception import Receiver
from pneumonia.pacs.response_queue import KEEP_RESPONSES
from pneumonia.pacs.storage_scp import StorageScp

from ..support.dicom_files import dicom
from ..support.wait import until
from .storage_peers import Certificates

CALLING = "MODALITY"


@dataclass
class RecordedEvents(Events):
    """Keeps the events in lists."""

    associations: list[AssociationEvent] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)
    instances: list[InstanceEvent] = field(default_factory=list)
    films: list[FilmEvent] = field(default_factory=list)

    def association(self, event: AssociationEvent) -> None:
        super().association(event)
        self.associations.append(event)

    def connection(self, reason: str) -> None:
        super().connection(reason)
        self.connections.append(reason)

    def instance(self, event: InstanceEvent) -> None:
        super().instance(event)
        self.instances.append(event)

    def film(self, event: FilmEvent) -> None:
        super().film(event)
        self.films.append(event)

    @property
    def outcomes(self) -> list[str]:
        return [event.outcome for event in self.instances]


@dataclass
class RunningScp:
    port: int
    queue: Queue
    events: RecordedEvents
    scp: StorageScp


def film(sop_class: str = ComputedRadiographyImageStorage, side: int = 64, **values: Any) -> Dataset:
    """A CR film of noise with all identifiers, as a data set with file meta information."""
    pixels = np.random.default_rng(side).integers(0, 4096, (side, side)).astype(np.uint16)
    identifiers = {
        "SOPClassUID": sop_class,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "Modality": "CR",
        "PatientName": "SECRET^PATIENT",
        "PatientID": "MRN-4711",
    }
    dataset = dcmread(BytesIO(dicom(pixels, **{**identifiers, **values})))
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", sop_class)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", generate_uid())
    return dataset


@contextmanager
def configured_library(incoming: Path, report: Callable[[str], None] = lambda reason: None) -> Iterator[None]:
    """pynetdicom with the settings of the service, which are those of the whole process, until the block ends."""
    level = logging.getLogger("pynetdicom").level
    names = (
        "STORE_RECV_CHUNKED_DATASET",
        "STORE_SEND_CHUNKED_DATASET",
        "LOG_HANDLER_LEVEL",
        "LOG_REQUEST_IDENTIFIERS",
        "LOG_RESPONSE_IDENTIFIERS",
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(_config, name, getattr(_config, name))
        patch.setattr(tempfile, "tempdir", tempfile.tempdir)
        patch.setattr(threading, "excepthook", threading.excepthook)
        network_library.configure(incoming, report)
        try:
            yield
        finally:
            logging.getLogger("pynetdicom").setLevel(level)


def running_scp(
    folder: Path,
    *,
    service: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    peers: Sequence[Peer] = (Peer(CALLING, ("127.0.0.1",)),),
    max_queue: int = 1_000,
) -> AbstractContextManager[RunningScp]:
    configuration = Configuration(
        service=dataclasses.replace(Service(port=0, folder="queue"), **(service or {})),
        limits=dataclasses.replace(Limits(min_free_disk_mb=0), **(limits or {})),
        queue=Retention(),
        peers=tuple(peers),
        base=folder,
    )
    return listening(configuration, max_queue)


def listening_by_tls(certificates: Certificates, folder: Path) -> AbstractContextManager[RunningScp]:
    """The storage SCP of the service with `incoming = true`, and the files `service` and `ca`."""
    tables = {
        "tls": {"certificate": "service.pem", "private_key": "service.key", "ca": "ca.pem", "incoming": True},
        "service": {"port": 0, "folder": str(folder / "queue")},
        "limits": {"min_free_disk_mb": 0},
    }
    return listening(parse_configuration(tables, certificates.folder))


@contextmanager
def listening(configuration: Configuration, max_queue: int = 1_000) -> Iterator[RunningScp]:
    """The storage SCP of a configuration, which takes up to `max_queue` films."""
    queue = Queue(configuration.folder, max_instances=max_queue)
    events = RecordedEvents()
    scp = StorageScp(configuration, Receiver(configuration, queue, events), events)
    with configured_library(queue.spool.incoming):
        scp.listen()
        scp.start()
        try:
            yield RunningScp(scp.port, queue, events, scp)
        finally:
            scp.stop(1)
            queue.close()


@contextmanager
def associated(
    port: int,
    *datasets: Dataset,
    calling: str = CALLING,
    called: str = "PNEUMONIA",
    contexts: Sequence[tuple[str, str]] = (),
) -> Iterator[Association]:
    """An association for the objects, or for `contexts`: (SOP class, transfer syntax)."""
    entity = AE(calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 60
    proposed = list(contexts) or [
        (str(dataset.file_meta.MediaStorageSOPClassUID), str(dataset.file_meta.TransferSyntaxUID))
        for dataset in datasets
    ]
    association = entity.associate(
        "127.0.0.1",
        port,
        ae_title=called,
        contexts=[build_context(*pair) for pair in dict.fromkeys(proposed)],
        evt_handlers=KEEP_RESPONSES,
    )
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def send(port: int, *datasets: Dataset, **options: Any) -> list[int]:
    """The status of each object, sent over one association."""
    with associated(port, *datasets, **options) as association:
        assert association.is_established
        return [int(association.send_c_store(dataset).Status) for dataset in datasets]


def await_end(running: RunningScp, count: int = 1) -> list[str]:
    """The outcomes of the associations, when `count` of them have ended."""
    assert until(lambda: len(running.events.associations) >= count)
    return [event.outcome for event in running.events.associations]


__all__ = ["RunningScp", "associated", "await_end", "film", "running_scp", "send"]


def encoded(dataset: Dataset) -> bytes:
    """The data set without file meta information."""
    from pynetdicom.dsutils import encode

    return encode(dataset, False, True) or b""
