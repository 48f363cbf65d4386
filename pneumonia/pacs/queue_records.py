"""The records of the queue: what is received, what waits for its results, and what waits for a destination."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reception:
    """What is known of a received object besides its file: who sent it, and the UIDs of the C-STORE request."""

    calling_ae: str
    sop_class: str
    sop_instance: str
    transfer_syntax: str


@dataclass(frozen=True)
class Instance:
    """A received film that waits for its results. `path` is its DICOM file, of `size` bytes.

    `received_at` is in seconds since the epoch. `attempts` counts the failed ones.
    """

    id: int
    path: Path
    calling_ae: str
    sop_class: str
    transfer_syntax: str
    size: int
    received_at: float
    attempts: int


@dataclass(frozen=True)
class Result:
    """One result object for several destinations. `suffix` ends the name of its file, e.g. `.sr.dcm`.

    `kind` is one of `destinations.KINDS`, `data` the DICOM file, and `destinations` are names of the configuration.
    """

    kind: str
    suffix: str
    data: bytes
    sop_class: str
    sop_instance: str
    destinations: tuple[str, ...]


@dataclass(frozen=True)
class Delivery:
    """A result object that waits for one destination. `path` is its DICOM file.

    Times are in seconds since the epoch: `waiting_since` that of its creation or of `pacs retry`, `received_at` that of
    the reception of its film, which `calling_ae` sent. `attempts` counts the failed ones.
    """

    id: int
    instance_id: int
    destination: str
    kind: str
    path: Path
    sop_class: str
    sop_instance: str
    attempts: int
    waiting_since: float
    received_at: float
    calling_ae: str
