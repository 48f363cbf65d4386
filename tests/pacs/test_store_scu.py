"""Storage SCU: what the responses, the failures and the limits of destinations mean for a delivery."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    ComprehensiveSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom.events import Event

from benchmarks.service_process import free_port
from pneumonia.pacs.destinations import KINDS, Destination
from pneumonia.pacs.guarded_socket import P_DATA_TF
from pneumonia.pacs.outcome import Outcome, Verdict
from pneumonia.pacs.store_scu import RESULT_SOP_CLASSES, StoreScu
from pneumonia.pacs.store_status import outcome_of

from .scp_support import configured_library
from .storage_peers import abort, scripted_scp, storescp, wait_until, write_object


def destination(port: int, **options: object) -> Destination:
    values: dict[str, object] = {"connect_timeout_s": 60.0, "response_timeout_s": 60.0, **options}
    return Destination("archive", "PACS", "127.0.0.1", port, **values)  # type: ignore[arg-type]


@contextmanager
def scu(port: int, **options: object) -> Iterator[StoreScu]:
    sender = StoreScu(destination(port, **options), "PNEUMONIA")
    try:
        yield sender
    finally:
        sender.close()


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (0x0000, Verdict.DELIVERED, "success"),
        (0x0001, Verdict.DELIVERED, "warning"),
        (0x0107, Verdict.DELIVERED, "warning"),
        (0xB000, Verdict.DELIVERED, "warning"),
        (0xB006, Verdict.DELIVERED, "warning"),
        (0xB007, Verdict.DELIVERED, "warning"),
        (0xBFFF, Verdict.DELIVERED, "warning"),
        (0x0111, Verdict.DELIVERED, "duplicate"),
        (0xA700, Verdict.UNAVAILABLE, "out_of_resources"),
        (0xA7FF, Verdict.UNAVAILABLE, "out_of_resources"),
        (0x0213, Verdict.UNAVAILABLE, "out_of_resources"),
        (0xA900, Verdict.REFUSED, "data_set_mismatch"),
        (0xC000, Verdict.REFUSED, "cannot_understand"),
        (0xCFFF, Verdict.REFUSED, "cannot_understand"),
        (0x0110, Verdict.REFUSED, "processing_failure"),
        (0x0122, Verdict.REFUSED, "sop_class_not_supported"),
        (0x0124, Verdict.REFUSED, "not_authorised"),
        (0xFE00, Verdict.REFUSED, "processing_failure"),
        (0x1234, Verdict.REFUSED, "other_status"),
    ],
)
def test_the_meaning_of_a_status(status: int, verdict: Verdict, reason: str) -> None:
    outcome = outcome_of(status)
    assert (outcome.verdict, outcome.reason) == (verdict, reason)
    assert status == 0 or f"{status:04X}H" in outcome.detail


def test_one_association_takes_all_objects(tmp_path: Path) -> None:
    paths = [write_object(tmp_path, kind) for kind in (ComprehensiveSRStorage, SecondaryCaptureImageStorage) * 3]
    with scripted_scp() as peer, scu(peer.port) as sender:
        assert [sender.send(path).reason for path in paths] == ["success"] * 6
        assert peer.stored == [path.stem for path in paths]
        assert peer.associations == 1


def test_an_idle_association_is_released(tmp_path: Path) -> None:
    with scripted_scp() as peer, scu(peer.port, idle_s=0.0) as sender:
        sender.send(write_object(tmp_path))
        sender.close_if_idle()
        assert not sender.is_open
        assert sender.send(write_object(tmp_path)).is_delivered
        assert peer.associations == 2


def test_a_destination_that_takes_implicit_vr_only_gets_the_object(tmp_path: Path) -> None:
    with scripted_scp(syntaxes=[ImplicitVRLittleEndian]) as peer, scu(peer.port) as sender:
        assert sender.send(write_object(tmp_path, SecondaryCaptureImageStorage)).is_delivered


def test_responses_become_outcomes(tmp_path: Path) -> None:
    path = write_object(tmp_path)
    with scripted_scp([0xB006, 0x0111, 0xA700, 0xC123]) as peer, scu(peer.port) as sender:
        verdicts = [sender.send(path).verdict for _ in range(4)]
    assert verdicts == [Verdict.DELIVERED, Verdict.DELIVERED, Verdict.UNAVAILABLE, Verdict.REFUSED]


def test_an_object_that_ends_an_open_association_is_sent_once_more_on_a_new_one(tmp_path: Path) -> None:
    path = write_object(tmp_path)
    with scripted_scp([0x0000, abort]) as peer, scu(peer.port) as sender:
        assert sender.send(path).is_delivered
        assert sender.send(path).is_delivered
        assert (peer.associations, peer.requests) == (2, 3)


def test_an_abort_in_answer_to_an_object_is_an_interruption(tmp_path: Path) -> None:
    with scripted_scp([abort]) as peer, scu(peer.port) as sender:
        outcome = sender.send(write_object(tmp_path))
    assert (outcome.verdict, outcome.reason) == (Verdict.INTERRUPTED, "no_response")


def test_a_sop_class_that_is_not_accepted_is_a_refusal_of_this_object_only(tmp_path: Path) -> None:
    with scripted_scp(sop_classes=[SecondaryCaptureImageStorage]) as peer, scu(peer.port) as sender:
        outcome = sender.send(write_object(tmp_path, ComprehensiveSRStorage))
        assert (outcome.verdict, outcome.reason) == (Verdict.REFUSED, "sop_class_not_supported")
        assert "Comprehensive SR Storage" in outcome.detail
        assert sender.send(write_object(tmp_path, SecondaryCaptureImageStorage)).is_delivered


@pytest.mark.parametrize(
    ("options", "text"),
    [({"ae_title": "OTHER"}, "Called AE title not recognised"), ({"require_calling": ["X"]}, "Calling AE title")],
)
def test_a_rejected_association_says_why(tmp_path: Path, options: dict[str, object], text: str) -> None:
    with scripted_scp(**options) as peer, scu(peer.port) as sender:  # type: ignore[arg-type]
        outcome = sender.send(write_object(tmp_path))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNAVAILABLE, "association_rejected")
    assert text.lower() in outcome.detail.lower()


def test_a_closed_port_is_unavailable(tmp_path: Path) -> None:
    with scu(free_port()) as sender:
        outcome = sender.send(write_object(tmp_path))
    assert outcome.verdict is Verdict.UNAVAILABLE
    assert "refused: nothing listens" in outcome.detail


def test_an_unknown_host_name_is_unavailable(tmp_path: Path) -> None:
    unknown = Destination("archive", "PACS", "pacs.invalid", 104)
    outcome = StoreScu(unknown, "PNEUMONIA").send(write_object(tmp_path))
    assert outcome == Outcome(Verdict.UNAVAILABLE, "name_not_found", "The host name of the destination is not known.")


def test_a_host_that_accepts_the_connection_and_stays_silent_is_unavailable(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        scu(silent.getsockname()[1], connect_timeout_s=0.3) as sender,
    ):
        outcome = sender.send(write_object(tmp_path))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNAVAILABLE, "association_failed")


def test_a_destination_that_does_not_answer_is_interrupted_after_the_timeout(tmp_path: Path) -> None:
    released = threading.Event()

    def never(event: object) -> int:
        released.wait(60)
        return 0x0000

    with scripted_scp([never]) as peer, scu(peer.port, response_timeout_s=0.3) as sender:
        outcome = sender.send(write_object(tmp_path))
        released.set()
    assert outcome.verdict is Verdict.INTERRUPTED


def test_a_destination_that_stops_to_read_does_not_block_the_sender(tmp_path: Path) -> None:
    """The object is larger than the buffers of both systems, so that the sender waits in the middle of it."""
    resume = threading.Event()
    path = write_object(tmp_path, SecondaryCaptureImageStorage, 30_000_000)
    before = threading.active_count()

    def stall(event: Event) -> None:
        if event.data[0] == P_DATA_TF:
            resume.wait(60)

    with scripted_scp(on_data=stall) as peer, scu(peer.port, response_timeout_s=0.5) as sender:
        outcome = sender.send(path)
        resume.set()
    assert outcome.verdict is Verdict.INTERRUPTED
    wait_until(lambda: threading.active_count() <= before)


def test_dcmtk_stores_the_objects(tmp_path: Path) -> None:
    paths = [write_object(tmp_path, kind) for kind in (ComprehensiveSRStorage, SecondaryCaptureImageStorage)]
    port = free_port()
    with storescp(tmp_path / "stored", port), scu(port) as sender:
        assert [sender.send(path).reason for path in paths] == ["success", "success"]
    assert len(list((tmp_path / "stored").iterdir())) == 2


@pytest.mark.parametrize("option", ["--refuse", "--abort-during", "--abort-after"])
def test_dcmtk_refuses_or_aborts(tmp_path: Path, option: str) -> None:
    port = free_port()
    with storescp(tmp_path / "stored", port, option), scu(port) as sender:
        outcome = sender.send(write_object(tmp_path, SecondaryCaptureImageStorage, 1_000_000))
    assert outcome.verdict is (Verdict.UNAVAILABLE if option == "--refuse" else Verdict.INTERRUPTED)


def test_the_association_proposes_the_class_of_each_kind(tmp_path: Path) -> None:
    assert set(RESULT_SOP_CLASSES) == set(KINDS)
    for sop_class in (kind for kinds in RESULT_SOP_CLASSES.values() for kind in kinds):
        with scripted_scp(sop_classes=[sop_class]) as peer, scu(peer.port) as sender:
            assert sender.send(write_object(tmp_path, sop_class)).is_delivered


def test_an_object_is_sent_from_its_file_as_it_is_stored(tmp_path: Path) -> None:
    """With the settings of the service; a destination that accepts only another transfer syntax gets it converted."""
    path = write_object(tmp_path, SecondaryCaptureImageStorage, size=300_000)
    received: list[Dataset] = []

    def receive(event: Event) -> int:
        received.append(event.dataset)
        return 0x0000

    (tmp_path / "incoming").mkdir()
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        with configured_library(tmp_path / "incoming"), scripted_scp([receive], syntaxes=[syntax]) as peer:
            sender = StoreScu(destination(peer.port), "PNEUMONIA")
            assert sender.send(path).is_delivered
            sender.close()
    assert [each.file_meta.TransferSyntaxUID for each in received] == [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
    assert {each.PixelData for each in received} == {dcmread(path).PixelData}
