"""The records of the queue: what is received, what waits for its results, and what waits for a destination."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reception:
    """What is known of a received object besides its file."""

    calling_ae: str
    sop_class: str
    sop_instance: str
    transfer_syntax: str


@dataclass(frozen=True)
class Instance:
    """A received film that waits for its results. `path` is its DICOM file."""

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
    """One result object for several destinations. `suffix` ends the name of its file, e.g. `.sr.dcm`."""

    kind: str
    suffix: str
    data: bytes
    sop_class: str
    sop_instance: str
    destinations: tuple[str, ...]


@dataclass(frozen=True)
class Delivery:
    """A result object that waits for one destination. `waiting_since` is the time of its creation or of `retry`."""

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
