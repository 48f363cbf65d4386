"""TLS of the service and of its destinations: BCP 195 (RFC 9325), as DICOM's secure connection profile PS3.15, B.12.

TLS 1.2 and 1.3 with ephemeral keys and authenticated encryption. Certificates are always verified, of both sides if a
certificate of our own is configured. `tls_renewal` reads files that are renewed.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import UsageError

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Cipher suites of TLS 1.2 in OpenSSL's notation: RFC 9325, section 4.2. Those of TLS 1.3 all qualify."""


@dataclass(frozen=True)
class TlsFiles:
    """PEM files of one side of a connection.

    `certificate` is this side's certificate, followed by the intermediate ones, and `key` its private key, which may be
    encrypted with `key_password`. `authorities` are the certificates that the other side's certificate must lead to;
    None: those that the operating system trusts.
    """

    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None
    key_password: str = ""


def server_context(files: TlsFiles, *, require_client_certificate: bool = True) -> ssl.SSLContext:
    """The context of the storage SCP; raises `UsageError` if a file is missing or unusable.

    With `require_client_certificate`, only a peer with a certificate of `files.authorities` gets a connection. The
    authorities of the operating system are no choice here: they would admit everyone with a website.
    """
    if files.certificate is None:
        raise UsageError("TLS of the service needs `certificate` in [tls].")
    if require_client_certificate and files.authorities is None:
        raise UsageError("Client certificates are required, so [tls] needs `ca`, the file with their authority.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if require_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        _load_authorities(context, files)
    _load_own_certificate(context, files)
    return _restrict(context)


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """The context of a destination; raises `UsageError` if a file is missing or unusable.

    The destination's certificate must be valid and have its host name.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH) if files.authorities is None else _empty_context()
    _load_authorities(context, files)
    _load_own_certificate(context, files)
    return _restrict(context)


def _empty_context() -> ssl.SSLContext:
    # Without the authorities of the operating system, which `create_default_context` adds.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _restrict(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHERS)
    return context


def _load_authorities(context: ssl.SSLContext, files: TlsFiles) -> None:
    if files.authorities is None:
        return
    _check_readable(files.authorities, "certificates of authorities")
    try:
        context.load_verify_locations(cafile=files.authorities)
    except ssl.SSLError:
        raise UsageError(
            f"The file with the certificates of authorities has no certificate in PEM format. "
            f"Received: {files.authorities}."
        ) from None


def _load_own_certificate(context: ssl.SSLContext, files: TlsFiles) -> None:
    if files.certificate is None:
        return
    _check_readable(files.certificate, "certificate")
    if files.key is not None:
        _check_readable(files.key, "private key")
    try:
        # An empty password keeps OpenSSL from asking on the terminal, where a service would wait forever.
        context.load_cert_chain(files.certificate, files.key, password=files.key_password)
    except ssl.SSLError as error:
        raise UsageError(
            f"{_describe_bad_certificate(error, files)} Received: {files.certificate}, {files.key}."
        ) from None


def _check_readable(path: Path, content: str) -> None:
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise UsageError(
            f"The file with the {content} cannot be read ({error.strerror}). A PEM file that this user may read is "
            f"needed. Received: {path}."
        ) from None


def _describe_bad_certificate(error: ssl.SSLError, files: TlsFiles) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "The private key does not belong to the certificate."
    if error.reason == "EE_KEY_TOO_SMALL":
        return "The key of the certificate is too short; RSA keys need 2048 bits."
    # OpenSSL reports a wrong password in several ways; both formats of an encrypted key contain this word.
    if files.certificate is not None and b"ENCRYPTED" in (files.key or files.certificate).read_bytes():
        return "The private key is encrypted, and the password in the variable `password_variable` is wrong."
    return "The certificate and its private key must be in PEM format, the certificate of the service first."


def describe_handshake_failure(error: OSError) -> str:
    """A sentence for hospital IT about a failed handshake with a destination."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of the destination is not accepted: {error.verify_message}."
    if not isinstance(error, ssl.SSLError):
        return "The connection ended during the TLS handshake."
    reason = error.reason or ""
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return "The destination requires a client certificate, or no cipher suite of BCP 195 is common to both."
    if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
        return "The destination does not accept the certificate of this service."
    if reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}:
        return "The destination does not speak TLS on this port."
    if "VERSION" in reason:
        return "The destination speaks no version of TLS from 1.2 on."
    return f"The TLS handshake failed ({reason.replace('_', ' ').lower() or 'connection closed'})."


def expiry_of(files: TlsFiles) -> datetime | None:
    """When the certificate of this service expires; None if there is none, or if it is not valid now.

    Python has no public parser of certificates, but a handshake with ourselves, in memory, that trusts exactly this
    certificate returns its contents.
    """
    if files.certificate is None:
        return None
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_own_certificate(server, files)
    client = _empty_context()
    client.check_hostname = False
    client.load_verify_locations(cafile=files.certificate)
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    try:
        not_after = _handshake_in_memory(client, server)
    except ssl.SSLError:
        return None
    seconds = ssl.cert_time_to_seconds(not_after)
    return datetime.fromtimestamp(seconds, UTC)


def _handshake_in_memory(client: ssl.SSLContext, server: ssl.SSLContext) -> str:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_side=False)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return str((ours.getpeercert() or {})["notAfter"])
