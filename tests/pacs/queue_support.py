"""Films and results for the tests of the queue."""

from __future__ import annotations

from pathlib import Path

from pneumonia.pacs import spool
from pneumonia.pacs.queue import Queue, Reception, Result

DX = "1.2.840.10008.5.1.4.1.1.1.1"
SR = "1.2.840.10008.5.1.4.1.1.88.22"
RECEPTION = Reception("CR1", DX, "1.2.3", "1.2.840.10008.1.2.1")


def write_incoming(queue: Queue, data: bytes = b"film") -> Path:
    """Write a file as the network library does while an object arrives."""
    path = queue.spool.incoming / f"tmp{len(list(queue.spool.incoming.iterdir()))}.dcm"
    path.write_bytes(data)
    return path


def add(queue: Queue, data: bytes = b"film") -> int | None:
    """Receive a film with these bytes; returns its id."""
    return queue.add(write_incoming(queue, data), RECEPTION)


def results(*destinations: str) -> list[Result]:
    """Two result objects for these destinations."""
    return [
        Result("dicom-sr", ".sr.dcm", b"report", SR, "1.2.3.1", destinations),
        Result("secondary-capture", ".sc.dcm", b"picture", DX, "1.2.3.2", destinations),
    ]


def files(queue: Queue) -> list[str]:
    """Names of all files of the queue."""
    folders = (queue.spool.incoming, queue.spool.films, queue.spool.results)
    return [path.name for folder in folders for path in folder.iterdir()]


def no_meta(path: Path) -> Reception | None:
    """The `read_reception` of files that are not DICOM."""
    return Reception(spool.calling_ae_of(path), DX, "1.2.3", "1.2.840.10008.1.2.1")
