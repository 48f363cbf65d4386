"""`[[destination]]` and `[tls]` of the configuration: where result objects go, and how connections are secured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .. import settings
from . import toml_table as toml
from .back_off import RetryPolicy
from .tls import TlsFiles
from .toml_table import boolean, integer, invalid, key, list_of, one_of

DICOM, DICOMWEB = "dicom", "dicomweb"

KINDS = ("dicom-sr", "secondary-capture", "presentation-state", "encapsulated-pdf")
"""Kinds of result objects that can be sent: those of `reporting.result_files` that are DICOM objects."""


_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Tls:
    """`[tls]`: certificates in PEM files, whose paths are relative to the configuration file."""

    certificate: str = key(toml.text, "certificate of this service, followed by intermediate ones", "")
    private_key: str = key(toml.text, "private key of the certificate; empty: in the file of the certificate", "")
    password_variable: str = key(toml.text, "environment variable with the password of the private key", "")
    ca: str = key(toml.text, "authorities of the certificates of peers; empty: those of the system", "")
    incoming: bool = key(boolean, "the service accepts TLS only", False)
    client_certificates: bool = key(boolean, "a peer that sends films must have a certificate of `ca`", True)

    def check(self) -> None:
        """Raise `UsageError` if keys that depend on each other do not fit."""
        if self.incoming and not self.certificate:
            raise invalid("[tls] certificate", "a file, since incoming is true", "nothing")
        if self.incoming and self.client_certificates and not self.ca:
            raise invalid("[tls] ca", "a file with the authorities of client certificates", "nothing")
        if self.private_key and not self.certificate:
            raise invalid("[tls] certificate", "a file, since private_key is one", "nothing")

    def files(self, base: Path) -> TlsFiles:
        """The files; raises `UsageError` if the variable of the password is not set."""
        return TlsFiles(
            certificate=base / self.certificate if self.certificate else None,
            key=base / self.private_key if self.private_key else None,
            authorities=base / self.ca if self.ca else None,
            key_password=settings.read_secret(self.password_variable),
        )


@dataclass(frozen=True)
class Destination:
    """`[[destination]]`: a storage SCP (`dicom`), or a DICOMweb server that stores by STOW-RS (`dicomweb`)."""

    name: str = key(toml.text, "name in logs, metrics and commands")
    ae_title: str = key(toml.ae_title, "called AE title of the destination", "")
    host: str = key(toml.text, "name or address of the destination", "")
    port: int = key(integer(1, 65_535), "TCP port of the destination", 104)
    type: str = key(one_of(DICOM, DICOMWEB), "dicom: C-STORE; dicomweb: STOW-RS", DICOM)
    kinds: tuple[str, ...] | None = key(list_of(one_of(*KINDS)), "kinds that it gets; default: all of [results]", None)
    calling: tuple[str, ...] = key(list_of(toml.ae_title), "only results for these calling AE titles; empty: all", ())
    calling_ae_title: str = key(toml.ae_title, "AE title of this service towards it; default: that of [service]", "")
    tls: bool = key(boolean, "connect by TLS, with the files of [tls]", False)
    tls_name: str = key(toml.text, "name in the certificate of the destination; empty: host", "")
    idle_s: float = key(toml.decimal(0, 3_600), "seconds for which an association without work stays open", 5.0)

    url: str = key(toml.text, "address of the DICOMweb server, without /studies at the end", "")
    token_variable: str = key(toml.text, "environment variable with the bearer token", "")
    user: str = key(toml.text, "user of the basic authentication", "")
    password_variable: str = key(toml.text, "environment variable with the password of the user", "")

    proxy: str = key(toml.text, "HTTP proxy for it; empty: none", "")

    connect_timeout_s: float = key(toml.decimal(0.1, 600), "seconds to connect and to associate", 10.0)
    response_timeout_s: float = key(toml.decimal(0.1, 3_600), "seconds without progress until an attempt fails", 60.0)
    retry_first_s: float = key(toml.decimal(0.01, 86_400), "seconds until the second attempt; doubled each time", 10.0)
    retry_maximum_s: float = key(toml.decimal(0.01, 86_400), "maximum seconds between two attempts", 900.0)
    give_up_after_h: float = key(toml.decimal(0, 8_760), "hours until an undelivered object is a failed delivery", 72.0)
    refusals: int = key(integer(1, 1_000), "refusals of one object until it is a failed delivery", 10)

    def receives(self, kind: str, calling_ae_title: str) -> bool:
        """True if results of this kind, for films of this calling AE title, go to the destination."""
        return (self.kinds is None or kind in self.kinds) and (not self.calling or calling_ae_title in self.calling)

    @property
    def retry(self) -> RetryPolicy:
        """Pauses between attempts and the end of them."""
        return RetryPolicy(self.retry_first_s, self.retry_maximum_s, self.give_up_after_h, self.refusals)

    def check(self) -> None:
        """Raise `UsageError` if keys that depend on each other do not fit."""
        if self.type == DICOM:
            self._require("ae_title", "host")
        else:
            self._require("url")
            self._check_url()
        if self.retry_maximum_s < self.retry_first_s:
            raise invalid(f"{self._table} retry_maximum_s", "at least retry_first_s", self.retry_maximum_s)

    def _require(self, *names: str) -> None:
        for name in names:
            if not getattr(self, name):
                raise invalid(f"{self._table} {name}", f"a value, since type is {self.type}", "nothing")

    def _check_url(self) -> None:
        parts = urlsplit(self.url)
        # The address is shown in errors and logs, so it must not contain a password.
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.query:
            raise invalid(f"{self._table} url", "https://host[:port]/path, without user and password", "another text")
        if parts.scheme == "http" and self.tls:
            raise invalid(f"{self._table} url", "https, since tls is true", "http")
        if self.tls_name:
            raise invalid(f"{self._table} tls_name", "nothing, since type is dicomweb: the host of url", "a name")
        if bool(self.user) != bool(self.password_variable):
            raise invalid(f"{self._table} user", "user together with password_variable", "one of them")
        if self.user and self.token_variable:
            raise invalid(f"{self._table} token_variable", "either a token or a user", "both")
        if parts.scheme == "http" and (self.user or self.token_variable):
            raise invalid(f"{self._table} url", "https, since a password or token is sent", "http")

    @property
    def _table(self) -> str:
        return f"[[destination]] {self.name}"

    @property
    def token(self) -> str:
        """The bearer token; raises `UsageError` if its variable is not set."""
        return settings.read_secret(self.token_variable)

    @property
    def password(self) -> str:
        """The password of the user; raises `UsageError` if its variable is not set."""
        return settings.read_secret(self.password_variable)


def check_destinations(destinations: tuple[Destination, ...], result_kinds: tuple[str, ...]) -> None:
    """Raise `UsageError` unless names are unique and kinds are among those of `[results]`."""
    names = [destination.name for destination in destinations]
    for name in names:
        if names.count(name) > 1:
            raise invalid("[[destination]] name", "a name that no other destination has", repr(name))
        if not _NAME.fullmatch(name):  # it is a word in the log, and a label of the metrics
            raise invalid("[[destination]] name", "1 to 64 letters, digits, dots, hyphens, underscores", repr(name))
    for destination in destinations:
        destination.check()
        for kind in destination.kinds or ():
            if kind not in result_kinds:
                raise invalid("[[destination]] kinds", "the kinds of [results]", repr(kind))
