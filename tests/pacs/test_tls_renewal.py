"""Certificates that are renewed while the service runs: new connections use them, open ones go on."""

from __future__ import annotations

import logging
import os
import shutil
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom.uid import SecondaryCaptureImageStorage
from pynetdicom import AE, Association

from pneumonia.errors import UsageError
from pneumonia.pacs import queue_upkeep
from pneumonia.pacs.destinations import Destination
from pneumonia.pacs.response_queue import KEEP_RESPONSES
from pneumonia.pacs.store_scu import StoreScu
from pneumonia.pacs.stow_client import StowClient
from pneumonia.pacs.tls import TlsFiles, client_context, expiry_of, server_context
from pneumonia.pacs.tls_renewal import TlsReloader

from .scp_support import film, listening_by_tls
from .storage_peers import Certificates, make_certificates, needs_openssl, scripted_scp, write_object
from .stow_server import stow_server

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates as an authority issues them."""
    return make_certificates(tmp_path_factory.mktemp("issued"))


@pytest.fixture
def installed(issued: Certificates, tmp_path: Path) -> Certificates:
    """The files that the configuration of the service names, at first those of `service` and `ca`."""
    folder = tmp_path / "installed"
    folder.mkdir()
    certificates = Certificates(folder)
    install(certificates, issued, "service", "ca")
    return certificates


def install(certificates: Certificates, issued: Certificates, name: str, authority: str) -> None:
    """Replace certificate, key and authority of the service, as a program that renews them does."""
    for source, target in (
        (f"{name}.pem", "service.pem"),
        (f"{name}.key", "service.key"),
        (f"{authority}.pem", "ca.pem"),
    ):
        replace(issued.folder / source, certificates.folder / target)


def replace(source: Path, target: Path) -> None:
    shutil.copyfile(source, target.with_suffix(".new"))
    os.replace(target.with_suffix(".new"), target)


def test_a_value_is_made_again_only_if_a_file_has_changed(issued: Certificates, installed: Certificates) -> None:
    renewed = TlsReloader("test", installed.files("service"), client_context)
    first = renewed.current()
    assert renewed.current() is first
    install(installed, issued, "service", "ca")
    assert renewed.current() is not first


def test_files_that_do_not_fit_leave_the_former_certificate(
    issued: Certificates, installed: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    """A program may replace the certificate before its key, and a disk may be full in between."""
    renewed = TlsReloader("test", installed.files("service"), server_context)
    first = renewed.current()
    with caplog.at_level(logging.INFO, "pneumonia.pacs"):
        replace(issued.folder / "peer.pem", installed.folder / "service.pem")
        assert renewed.current() is first
        (installed.folder / "ca.pem").unlink()
        assert renewed.current() is first and renewed.current() is first
        install(installed, issued, "peer", "ca")
        assert renewed.current() is not first
    outcomes = [record.getMessage().split("outcome=")[1].split(":")[0] for record in caplog.records]
    assert outcomes == ["not_renewed", "not_renewed", "renewed"], "once for each change"
    assert "does not belong to the certificate" in caplog.text


def test_files_that_may_be_read_later_are_read_then(
    issued: Certificates, installed: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    """A renewal as root leaves a key that the service may not read; `chmod` does not change its contents."""
    problems = ["", "may not be read", "may not be read", ""]

    def read(_: TlsFiles) -> str:
        problem = problems.pop(0)
        if problem:
            raise UsageError(problem)
        return f"with {len(problems)} left"

    renewed = TlsReloader("test", installed.files("service"), read)
    install(installed, issued, "service", "ca")
    with caplog.at_level(logging.INFO, "pneumonia.pacs"):
        assert [renewed.current() for _ in range(4)] == ["with 3 left"] * 2 + ["with 0 left"] * 2
    assert len(caplog.records) == 2, "the problem once, then the renewal"


def test_files_that_cannot_be_used_at_the_start_are_an_error(installed: Certificates) -> None:
    (installed.folder / "service.key").unlink()
    with pytest.raises(UsageError, match="private key cannot be read"):
        TlsReloader("test", installed.files("service"), client_context)


def test_the_expiry_is_that_of_the_new_certificate(issued: Certificates, installed: Certificates) -> None:
    expiry = TlsReloader("metrics", installed.files("service"), expiry_of)
    assert expiry.current() is not None
    install(installed, issued, "expired", "ca")
    assert expiry.current() is None


@contextmanager
def associated(port: int, context: ssl.SSLContext) -> Iterator[Association]:
    entity = AE("MODALITY")
    dataset = film()
    entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association = entity.associate(
        "127.0.0.1",
        port,
        ae_title="PNEUMONIA",
        tls_args=(context, "localhost"),
        evt_handlers=KEEP_RESPONSES,
    )
    yield association
    if association.is_established:
        association.release()


def test_an_open_association_goes_on_and_new_ones_need_the_new_authority(
    issued: Certificates, installed: Certificates, tmp_path: Path
) -> None:
    former, new = client_context(issued.files("peer")), client_context(issued.files("other", "otherca"))
    with listening_by_tls(installed, tmp_path) as running:
        with associated(running.port, former) as association, associated(running.port, new) as too_early:
            assert association.is_established and not too_early.is_established
            install(installed, issued, "other", "otherca")
            running.scp.renew_certificate()
            assert association.send_c_store(film(side=80)).Status == 0
            with associated(running.port, former) as refused, associated(running.port, new) as accepted:
                assert not refused.is_established and accepted.is_established
                assert accepted.send_c_store(film(side=90)).Status == 0
            assert association.send_c_store(film(side=100)).Status == 0
        assert queue_upkeep.counts(running.queue)["received"] == 3


def test_the_next_association_with_a_destination_shows_the_new_certificate(
    issued: Certificates, installed: Certificates, tmp_path: Path
) -> None:
    path = write_object(tmp_path, SecondaryCaptureImageStorage)
    tls = server_context(issued.files("other", "otherca"))
    with scripted_scp(tls=tls) as peer:
        destination = Destination("archive", "PACS", "127.0.0.1", peer.port, connect_timeout_s=60)
        sender = StoreScu(destination, "PNEUMONIA", installed.files("service"))
        assert sender.send(path).reason == "tls"
        install(installed, issued, "other", "otherca")
        assert sender.send(path).is_delivered
        sender.close()


def test_the_next_request_to_a_dicomweb_server_shows_the_new_certificate(
    issued: Certificates, installed: Certificates, tmp_path: Path
) -> None:
    path = write_object(tmp_path)
    with stow_server(tls=server_context(issued.files("peer"))) as server:
        destination = Destination("web", type="dicomweb", url=f"https://127.0.0.1:{server.port}/dicom-web", tls=True)
        client = StowClient(destination, installed.files("service"))
        assert client.send(path).is_delivered and client.send(path).is_delivered
        install(installed, issued, "other", "ca")  # the server does not trust its authority
        assert not client.send(path).is_delivered
        install(installed, issued, "service", "ca")
        assert client.send(path).is_delivered
        client.close()


def test_without_files_nothing_is_read() -> None:
    assert TlsReloader("metrics", TlsFiles(), expiry_of).current() is None
