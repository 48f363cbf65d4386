"""TLS by BCP 195: contexts, errors that hospital IT understands, and handshakes with pynetdicom and DCMTK."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom.uid import SecondaryCaptureImageStorage

from benchmarks.service_process import free_port
from pneumonia.errors import UsageError
from pneumonia.pacs import queue_upkeep
from pneumonia.pacs.configuration import parse_configuration
from pneumonia.pacs.destination_check import check_tls
from pneumonia.pacs.destinations import Destination
from pneumonia.pacs.outcome import Outcome, Verdict
from pneumonia.pacs.store_scu import StoreScu
from pneumonia.pacs.tls import TlsFiles, client_context, expiry_of, server_context

from ..support.dicom_programs import run_program
from .scp_support import film, listening_by_tls
from .storage_peers import (
    Certificates,
    make_certificates,
    needs_openssl,
    scripted_scp,
    storescp,
    write_object,
)

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def send(port: int, files: TlsFiles | None, folder: Path, **options: str) -> Outcome:
    destination = Destination("archive", "PACS", "127.0.0.1", port, connect_timeout_s=60, **options)  # type: ignore[arg-type]
    sender = StoreScu(destination, "PNEUMONIA", files)
    try:
        return sender.send(write_object(folder, SecondaryCaptureImageStorage))
    finally:
        sender.close()


def test_mutual_tls_delivers(certificates: Certificates, tmp_path: Path) -> None:
    with scripted_scp(tls=server_context(certificates.files("peer"))) as peer:
        assert send(peer.port, certificates.files("service"), tmp_path) == Outcome(Verdict.DELIVERED, "success")
        assert len(peer.stored) == 1


@pytest.mark.parametrize(
    ("server", "client", "text"),
    [
        (("expired", "ca"), ("service", "ca"), "not accepted: certificate has expired"),
        (("peer", "ca"), ("service", "otherca"), "The certificate of the destination is not accepted: "),
        (("peer", "ca"), ("other", "ca"), "does not accept the certificate of this service"),
        (("peer", "ca"), (None, "ca"), "requires a client certificate"),
    ],
)
def test_a_bad_certificate_is_named(
    certificates: Certificates,
    tmp_path: Path,
    server: tuple[str, str],
    client: tuple[str | None, str],
    text: str,
) -> None:
    name, authority = client
    trusted = certificates.folder / f"{authority}.pem"
    files = TlsFiles(authorities=trusted) if name is None else certificates.files(name, authority)
    with scripted_scp(tls=server_context(certificates.files(*server))) as peer:
        outcome = send(peer.port, files, tmp_path)
        assert peer.stored == []
    assert (outcome.verdict, outcome.reason) == (Verdict.UNAVAILABLE, "tls")
    assert text in outcome.detail


def test_the_name_in_the_certificate_is_checked(certificates: Certificates, tmp_path: Path) -> None:
    with scripted_scp(tls=server_context(certificates.files("peer"))) as peer:
        wrong = send(peer.port, certificates.files("service"), tmp_path, tls_name="pacs.hospital.example")
        right = send(peer.port, certificates.files("service"), tmp_path, tls_name="localhost")
    assert "Hostname mismatch" in wrong.detail
    assert right.is_delivered


def test_a_destination_without_tls_is_named(certificates: Certificates, tmp_path: Path) -> None:
    with scripted_scp() as peer:
        outcome = send(peer.port, certificates.files("service"), tmp_path)
    assert outcome.verdict is Verdict.UNAVAILABLE
    assert "TLS" in outcome.detail


def test_a_destination_with_tls_is_no_destination_without(certificates: Certificates, tmp_path: Path) -> None:
    with scripted_scp(tls=server_context(certificates.files("peer"))) as peer:
        assert send(peer.port, None, tmp_path).reason == "association_failed"
        assert peer.stored == []


def test_dcmtk_with_mutual_tls(certificates: Certificates, tmp_path: Path) -> None:
    port, folder = free_port(), certificates.folder
    options = ["+tls", str(folder / "peer.key"), str(folder / "peer.pem"), "+cf", str(folder / "ca.pem"), "-rc"]
    with storescp(tmp_path / "stored", port, *options):
        assert send(port, certificates.files("service"), tmp_path).is_delivered
        assert send(port, certificates.files("other", "ca"), tmp_path).reason == "tls"
    assert len(list((tmp_path / "stored").iterdir())) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1])
def test_old_versions_are_refused(certificates: Certificates, version: ssl.TLSVersion) -> None:
    for context in (server_context(certificates.files("peer")), client_context(certificates.files("service"))):
        assert context.minimum_version > version
        names = {suite["name"] for suite in context.get_ciphers() if suite["protocol"] == "TLSv1.2"}
        assert names
        assert all(name.startswith("ECDHE-") and ("GCM" in name or "CHACHA20" in name) for name in names)


def test_files_that_cannot_be_used_are_named(certificates: Certificates) -> None:
    folder = certificates.folder
    cases = {
        "No such file": TlsFiles(folder / "missing.pem", folder / "peer.key"),
        "does not belong to the certificate": TlsFiles(folder / "peer.pem", folder / "service.key"),
        "must be in PEM format": TlsFiles(folder / "extensions", folder / "peer.key"),
        "no certificate in PEM format": TlsFiles(authorities=folder / "extensions"),
    }
    for text, files in cases.items():
        with pytest.raises(UsageError, match=text):
            client_context(files)
    with pytest.raises(UsageError, match="needs `certificate`"):
        server_context(TlsFiles())
    with pytest.raises(UsageError, match="needs `ca`"):
        server_context(TlsFiles(folder / "peer.pem", folder / "peer.key"))


def test_an_encrypted_key_needs_its_password(certificates: Certificates, tmp_path: Path) -> None:
    key = tmp_path / "encrypted.key"
    command = ["openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", str(certificates.folder / "peer.key")]
    subprocess.run([*command, "-out", str(key)], check=True, capture_output=True)
    certificate = certificates.folder / "peer.pem"
    client_context(TlsFiles(certificate, key, key_password="secret"))
    for password in ("wrong", ""):
        with pytest.raises(UsageError, match="is encrypted, and the password"):
            client_context(TlsFiles(certificate, key, key_password=password))


def test_the_expiry_of_the_own_certificate(certificates: Certificates) -> None:
    expiry = expiry_of(certificates.files("service"))
    assert expiry is not None
    assert abs(expiry - datetime.now(UTC) - timedelta(days=20)) < timedelta(hours=2)
    assert expiry_of(certificates.files("expired")) is None
    assert expiry_of(TlsFiles()) is None


def test_the_check_of_the_configuration_tells_when_the_certificate_ends(certificates: Certificates) -> None:
    tls = {"certificate": "service.pem", "private_key": "service.key", "ca": "ca.pem", "incoming": True}
    text = check_tls(parse_configuration({"tls": tls}, certificates.folder))
    expiry = datetime.now(UTC) + timedelta(days=20)
    assert text in {
        f"certificate valid until {day:%Y-%m-%d}, TLS only" for day in (expiry, expiry - timedelta(hours=2))
    }
    assert check_tls(parse_configuration({})) == "no certificate"
    expired = {**tls, "certificate": "expired.pem", "private_key": "expired.key"}
    with pytest.raises(UsageError, match="not valid today"):
        check_tls(parse_configuration({"tls": expired}, certificates.folder))
    with pytest.raises(UsageError, match=r"\[tls\] ca"):
        parse_configuration({"tls": {**tls, "ca": ""}})


def test_the_service_takes_films_by_mutual_tls_only(certificates: Certificates, tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    film().save_as(path, enforce_file_format=True)

    def send_by_dcmtk(*options: str) -> int:
        arguments = [*options, "-aec", "PNEUMONIA", "127.0.0.1", str(port), str(path)]
        return run_program("storescu", *arguments).returncode

    def tls(name: str, authority: str = "ca") -> list[str]:
        pem, key = certificates.folder / f"{name}.pem", certificates.folder / f"{name}.key"
        return ["+tls", str(key), str(pem), "+cf", str(certificates.folder / f"{authority}.pem")]

    with listening_by_tls(certificates, tmp_path) as running:
        port, queue = running.port, running.queue
        assert send_by_dcmtk() != 0
        assert send_by_dcmtk(*tls("other")) != 0
        assert send_by_dcmtk(*tls("peer", "otherca")) != 0
        assert queue_upkeep.counts(queue)["received"] == 0
        assert send_by_dcmtk(*tls("peer")) == 0
        assert queue_upkeep.counts(queue)["received"] == 1
