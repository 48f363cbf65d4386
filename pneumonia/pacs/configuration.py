"""The configuration of the PACS service: one TOML file, read into frozen dataclasses.

docs/pacs.example.toml has every key with its default; docs/pacs.md explains the choices.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..inference.decision import DEFAULT_POINT
from ..languages import ENGLISH, LANGUAGES
from ..messages import message
from ..reporting.dicom.options import COMPREHENSIVE, SR_CLASSES
from . import toml_table as toml
from .destinations import KINDS, Destination, Tls, check_destinations
from .tls import TlsFiles
from .toml_table import boolean, integer, invalid, key, list_of, one_of, read_table

DEFAULT_PORT = 11112
"""Port of DICOM without TLS that needs no administrator rights (IANA: `acr-nema` is 104, `dicom` is 11112)."""


@dataclass(frozen=True)
class Service:
    """`[service]`: the application entity, and how films are read."""

    ae_title: str = key(toml.ae_title, "called AE title that a sending system must use", "PNEUMONIA")
    host: str = key(toml.text, "address on which the service listens; 0.0.0.0: all", "127.0.0.1")
    port: int = key(integer(0, 65_535), "TCP port; 0: any free one", DEFAULT_PORT)
    folder: str = key(toml.text, "folder of the queue, relative to the configuration file", "pneumonia-queue")
    workers: int = key(integer(1, 64), "processes that read films; about 300 MB each", 2)
    model: str = key(toml.text, "as PNEUMONIA_MODEL; empty: that setting, and without it the embedded models", "")
    operating_point: str = key(toml.text, "screening, balanced or confirm", DEFAULT_POINT)
    prevalence: float | None = key(toml.decimal(0, 1), "share of pneumonia among the films", None)
    skip_other_body_parts: bool = key(
        boolean, "no results for films whose header names a body part without lungs", True
    )


@dataclass(frozen=True)
class Limits:
    """`[limits]`: what the service accepts at most."""

    max_associations: int = key(integer(1, 1_000), "open associations in total", 20)
    max_associations_per_peer: int = key(integer(1, 1_000), "open associations of one address", 10)
    max_pdu_kb: int = key(integer(4, 1_024), "maximum length of a received PDU in KiB", 128)
    max_object_mb: int = key(integer(1, 4_000), "largest film in MB; a larger one is refused with status A700", 200)
    min_free_disk_mb: int = key(integer(0, 10_000_000), "free disk space in MB below which films are refused", 1_000)
    max_queue: int = key(integer(1, 10_000_000), "instances in the queue; further ones are refused with A700", 100_000)
    association_timeout_s: float = key(toml.decimal(0.1, 600), "seconds from connection to association request", 10.0)
    idle_timeout_s: float = key(toml.decimal(0.1, 86_400), "seconds without data until an association is aborted", 60.0)
    pdu_timeout_s: float = key(toml.decimal(0.1, 3_600), "seconds in which a PDU must arrive completely", 30.0)
    max_association_h: float = key(toml.decimal(0.001, 8_760), "hours after which an association is aborted", 24.0)
    object_timeout_s: float = key(toml.decimal(0.1, 86_400), "seconds in which an object must arrive completely", 300.0)
    drain_s: float = key(toml.decimal(0, 600), "seconds for open associations at the end of the service", 10.0)


@dataclass(frozen=True)
class Retention:
    """`[queue]`: how long instances are kept."""

    remember_h: float = key(
        toml.decimal(0, 8_760), "hours in which an identical instance is acknowledged and not read again; 0: none", 24.0
    )
    max_attempts: int = key(integer(1, 100), "attempts to read an instance before it is a dead letter", 3)
    keep_failed_days: float = key(toml.decimal(0, 3_650), "days until a dead letter is deleted; 0: never", 30.0)


@dataclass(frozen=True)
class Results:
    """`[results]`: the objects that are made for each film."""

    kinds: tuple[str, ...] = key(
        list_of(one_of(*KINDS), least=1), "kinds of result objects", ("dicom-sr", "secondary-capture")
    )
    uid_root: str = key(toml.text, "root of the organisation's UIDs; empty: PNEUMONIA_UID_ROOT, else 2.25", "")
    language: str = key(one_of(*LANGUAGES), "language of the texts in result objects", ENGLISH)
    sr_class: str = key(
        one_of(*SR_CLASSES),
        "SOP class of the structured report: Comprehensive SR or Comprehensive 3D SR",
        COMPREHENSIVE,
    )
    manufacturer: str | None = key(toml.text, "Manufacturer of the result objects; default: that of the package", None)
    institution_name: str | None = key(toml.text, "InstitutionName of the result objects", None)
    station_name: str | None = key(toml.text, "StationName of the result objects", None)
    series_number_base: int | None = key(integer(1, 999_999), "SeriesNumber of the first result series", None)


@dataclass(frozen=True)
class Peer:
    """`[[peer]]`: an application entity that may send."""

    ae_title: str = key(toml.ae_title, "calling AE title")
    addresses: tuple[str, ...] = key(list_of(toml.network), "addresses or networks of the peer; empty: any", ())

    def allows(self, calling_ae_title: str, address: str) -> bool:
        """True if the title and the address are those of this peer."""
        return calling_ae_title == self.ae_title and (not self.addresses or _is_in(address, self.addresses))


@dataclass(frozen=True)
class Metrics:
    """`[metrics]`: the HTTP port with `/health` and `/metrics`."""

    host: str = key(toml.text, "address on which it listens; 0.0.0.0: all", "127.0.0.1")
    port: int = key(integer(0, 65_535), "TCP port; 0: none", 0)


@dataclass(frozen=True)
class Priors:
    """`[priors]`: the PACS that sends earlier chest films of a patient; none without a host."""

    host: str = key(toml.text, "name or address of the PACS; empty: no priors", "")
    port: int = key(integer(1, 65_535), "TCP port of the PACS", 104)
    ae_title: str = key(toml.ae_title, "called AE title of the PACS", "")
    move_to: str = key(toml.ae_title, "AE title under which the PACS knows this service; default: its own", "")
    tls: bool = key(toml.boolean, "connect by TLS, with the files of [tls]", False)
    tls_name: str = key(toml.text, "name in the certificate of the PACS; empty: host", "")
    max_studies: int = key(integer(1, 100), "earlier studies of a patient that are fetched, the latest first", 2)
    max_age_days: int = key(integer(1, 36_500), "studies older than this are not fetched", 730)
    timeout_s: float = key(toml.decimal(1, 3_600), "seconds to wait for a response of the PACS", 300.0)

    def check(self) -> None:
        """Raise `UsageError` if keys that depend on each other do not fit."""
        if self.host and not self.ae_title:
            raise invalid("[priors] ae_title", "a value, since host has one", "nothing")


@dataclass(frozen=True)
class Configuration:
    """The whole configuration. `base` is the folder to which relative paths refer."""

    service: Service = Service()
    limits: Limits = Limits()
    queue: Retention = Retention()
    results: Results = Results()
    peers: tuple[Peer, ...] = ()
    destinations: tuple[Destination, ...] = ()
    tls: Tls = Tls()
    metrics: Metrics = Metrics()
    priors: Priors = Priors()
    base: Path = Path()

    @property
    def tls_files(self) -> TlsFiles:
        """The files of `[tls]`; raises `UsageError` if the variable of the password is not set."""
        return self.tls.files(self.base)

    @property
    def folder(self) -> Path:
        """The folder of the queue."""
        return self.base / self.service.folder

    def allows(self, calling_ae_title: str, address: str) -> bool:
        """True if a calling AE title may send from this address. Without a peer, any title from this machine may."""
        if not self.peers:
            return bool(_without_mapping(address).is_loopback)
        return any(peer.allows(calling_ae_title, address) for peer in self.peers)


_TABLES: dict[str, type[Any]] = {
    "service": Service,
    "limits": Limits,
    "queue": Retention,
    "results": Results,
    "tls": Tls,
    "metrics": Metrics,
    "priors": Priors,
}
_LISTS: dict[str, type[Any]] = {"peer": Peer, "destination": Destination}


def load_configuration(path: Path) -> Configuration:
    """Read the configuration file; raises `UsageError` if it is missing or invalid."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            message("The configuration {path} cannot be read: {reason}.", path=path, reason=error.strerror)
        ) from None
    except ValueError as error:  # TOML or UTF-8
        raise UsageError(
            message("The configuration {path} is not valid TOML: {reason}.", path=path, reason=error)
        ) from None
    return parse_configuration(document, path.parent)


def parse_configuration(document: Mapping[str, Any], base: Path = Path()) -> Configuration:
    """The configuration from a parsed TOML document; raises `UsageError` if it is invalid."""
    for unknown in sorted(set(document) - set(_TABLES) - set(_LISTS)):
        allowed = ", ".join([f"[{name}]" for name in _TABLES] + [f"[[{name}]]" for name in _LISTS])
        raise invalid("a table", allowed, unknown)
    tables: dict[str, Any] = {
        name: read_table(kind, _table(document, name), f"[{name}]") for name, kind in _TABLES.items()
    }
    lists: dict[str, Any] = {
        f"{name}s": tuple(read_table(kind, row, f"[[{name}]]") for row in _rows(document, name))
        for name, kind in _LISTS.items()
    }
    configuration = Configuration(**tables, **lists, base=base)
    check_destinations(configuration.destinations, configuration.results.kinds)
    configuration.tls.check()
    configuration.priors.check()
    return configuration


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise invalid(name, f"a table [{name}]", repr(table))
    return table


def _rows(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = document.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise invalid(name, f"tables [[{name}]]", "another value")
    return rows


def _without_mapping(address: str) -> Any:
    """The address; the IPv4 address of one such as ::ffff:10.0.0.7, as which a socket for IPv6 shows it."""
    parsed = ip_address(address.split("%")[0])
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _is_in(address: str, networks: tuple[str, ...]) -> bool:
    parsed = _without_mapping(address)
    return any(parsed in ip_network(candidate) for candidate in networks)
