"""The storage SCP with pynetdicom and DCMTK as peers: which objects it stores, skips and refuses, in which syntaxes."""

from __future__ import annotations

import logging
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    SecondaryCaptureImageStorage,
)

from pneumonia.errors import DiskFull
from pneumonia.operating_system import IS_WINDOWS
from pneumonia.pacs.queue import Queue
from pneumonia.pacs.sop_classes import FILM_SYNTAXES, supported_contexts
from pneumonia.reporting.dicom.options import ResultOptions

from ..support import upper_layer
from ..support.dicom_encodings import encodings
from ..support.dicom_programs import find_program, run_program
from ..support.upper_layer import DATA
from ..support.upper_layer import Peer as RawPeer
from ..support.wait import until
from .scp_support import CALLING, associated, await_end, encoded, film, running_scp, send

pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_an_echo_is_answered_and_logged(tmp_path: Path) -> None:
    with running_scp(tmp_path) as running:
        with associated(running.port, contexts=[("1.2.840.10008.1.1", ImplicitVRLittleEndian)]) as association:
            assert association.send_c_echo().Status == 0x0000
        assert await_end(running) == ["released"]


def test_a_film_is_in_the_queue_and_on_the_disk_when_it_is_acknowledged(tmp_path: Path) -> None:
    sent = film()
    with running_scp(tmp_path) as running:
        assert send(running.port, sent) == [0x0000]
        (instance,) = Queue(tmp_path / "queue").waiting_instances(10)  # as another process sees it
        stored = dcmread(instance.path)
        assert stored.PixelData == sent.PixelData
        assert stored.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
        assert (instance.calling_ae, instance.sop_class) == (CALLING, ComputedRadiographyImageStorage)
        assert running.events.outcomes == ["stored"]
        assert until(lambda: not list(running.queue.spool.incoming.iterdir()))


@pytest.mark.slow
def test_several_films_of_one_association_are_stored(tmp_path: Path) -> None:
    with running_scp(tmp_path) as running:
        assert send(running.port, film(side=64), film(side=80), film(side=96)) == [0, 0, 0]
        assert await_end(running) == ["released"]
        (event,) = running.events.associations
        assert event.objects == 3
        assert len(running.queue.waiting_instances(10)) == 3


def test_a_duplicate_is_acknowledged_and_stored_once(tmp_path: Path) -> None:
    sent = film()
    with running_scp(tmp_path) as running:
        assert send(running.port, sent, sent) == [0, 0]
        assert running.events.outcomes == ["stored", "duplicate"]
        assert len(running.queue.waiting_instances(10)) == 1
        assert len(list(running.queue.spool.films.iterdir())) == 1


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (film(CTImageStorage), "other_class"),
        (film(ComprehensiveSRStorage, Modality="SR"), "other_class"),
        (film(Modality="CT"), "other_modality"),
        (film(BodyPartExamined="KNEE"), "other_body_part"),
        (film(SecondaryCaptureImageStorage, ManufacturerModelName=ResultOptions().model_name), "own_result"),
    ],
    ids=["CT class", "SR class", "CT modality", "knee", "own result"],
)
def test_what_is_no_chest_film_is_acknowledged_skipped_and_counted(tmp_path: Path, sent: Dataset, reason: str) -> None:
    with running_scp(tmp_path) as running:
        assert send(running.port, sent) == [0x0000]
        assert running.events.outcomes == [f"skipped:{reason}"]
        assert running.queue.waiting_instances(10) == []


def test_an_object_of_another_class_is_not_even_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    remove = os.unlink

    def unlink(path: str, **options: Any) -> None:
        if Path(path).is_relative_to(tmp_path):  # other threads delete files, too
            sizes.append(Path(path).stat().st_size)
        remove(path, **options)

    monkeypatch.setattr(os, "unlink", unlink)
    with running_scp(tmp_path) as running:
        send(running.port, film(CTImageStorage, side=512))
        (event,) = running.events.instances
        assert event.size > 512 * 512 * 2
    assert max(sizes) < 1_000  # the file meta information


@pytest.mark.slow
def test_films_of_other_body_parts_can_be_read(tmp_path: Path) -> None:
    with running_scp(tmp_path, service={"skip_other_body_parts": False}) as running:
        send(running.port, film(BodyPartExamined="KNEE"))
        assert running.events.outcomes == ["stored"]


def send_with_command(port: int, sop_instance: str, data_set: bytes) -> int:
    """Send any bytes as data set; returns the type of the PDU that answers."""
    with RawPeer(port) as peer:
        assert peer.associate(CALLING) == upper_layer.ACCEPT
        peer.send(upper_layer.store_command(sop_instance))
        for fragment in upper_layer.fragments(data_set, 3):
            peer.send(fragment)
        answer = peer.receive()
        peer.send(upper_layer.RELEASE)
        peer.receive()
    return answer


def test_a_data_set_of_another_instance_is_refused(tmp_path: Path) -> None:
    with running_scp(tmp_path) as running:
        data_set = encoded(film())
        assert send_with_command(running.port, "1.2.3", data_set) == DATA
        assert running.events.outcomes == ["refused:data_set_mismatch"]


def test_a_command_of_another_class_than_its_context_is_refused(tmp_path: Path) -> None:
    """Otherwise an object could be acknowledged that was not stored."""
    with running_scp(tmp_path) as running, RawPeer(running.port) as peer:
        peer.associate(CALLING)
        peer.send(upper_layer.data(upper_layer.command(STORE_CT), 3, command=True))
        peer.send(upper_layer.data(encoded(film(CTImageStorage)), 3, command=False))
        assert peer.receive() == DATA
        assert running.events.outcomes == ["refused:class_of_other_context"]


STORE_CT = [
    (0x0002, upper_layer.uid(CTImageStorage)),
    (0x0100, b"\x01\0"),
    (0x0110, b"\x02\0"),
    (0x0700, b"\0\0"),
    (0x0800, b"\0\0"),
    (0x1000, upper_layer.uid("1.2.3")),
]


@pytest.mark.parametrize("data_set", [b"no data set at all" * 100, b"\xff" * 9_999])
def test_what_is_no_data_set_is_refused(tmp_path: Path, data_set: bytes) -> None:
    with running_scp(tmp_path) as running:
        assert send_with_command(running.port, "1.2.3", data_set) == DATA
        assert running.events.outcomes == ["refused:unreadable_data_set"]
        assert running.queue.waiting_instances(1) == []


def test_a_command_without_a_data_set_is_refused(tmp_path: Path) -> None:
    film_class = upper_layer.uid(ComputedRadiographyImageStorage)
    elements = {**dict(STORE_CT), 0x0002: film_class, 0x0800: b"\x01\x01"}
    with running_scp(tmp_path) as running, RawPeer(running.port) as peer:
        peer.associate(CALLING)
        peer.send(upper_layer.data(upper_layer.command(list(elements.items())), 3, command=True))
        kind, response = peer.receive_pdu()
        assert (kind, upper_layer.status(response)) == (DATA, 0xC000)
        assert running.events.outcomes == ["refused:unreadable_data_set"]


@pytest.mark.parametrize(
    "identifiers",
    [
        {"StudyInstanceUID": None},
        {"StudyInstanceUID": "DOE^JOHN"},
        {"SeriesInstanceUID": "../../film"},
        {"SOPInstanceUID": "0.0.1"},
    ],
)
def test_a_film_to_which_no_result_can_refer_is_refused(tmp_path: Path, identifiers: dict[str, Any]) -> None:
    with running_scp(tmp_path) as running:
        assert send(running.port, film(**identifiers)) == [0xC000]
        assert running.events.outcomes == ["refused:missing_identifiers"]


@pytest.mark.slow
def test_identifiers_behind_long_private_elements_are_found(tmp_path: Path) -> None:
    sent = film()
    sent.private_block(0x0009, "MAKER", create=True).add_new(1, "OB", bytes(400_000))
    with running_scp(tmp_path) as running:
        assert send(running.port, sent) == [0x0000]


def test_a_film_that_is_too_large_is_refused_and_the_next_one_is_stored(tmp_path: Path) -> None:
    with running_scp(tmp_path, limits={"max_object_mb": 1}) as running:
        assert send(running.port, film(side=800), film(side=64)) == [0xA700, 0x0000]
        assert running.events.outcomes == ["refused:too_large", "stored"]


def test_a_full_queue_is_out_of_resources(tmp_path: Path) -> None:
    with running_scp(tmp_path, max_queue=1) as running:
        assert send(running.port, film(side=64), film(side=80)) == [0x0000, 0xA700]
        assert running.events.outcomes == ["stored", "refused:queue_full"]


@pytest.mark.slow
def test_a_low_disk_is_out_of_resources(tmp_path: Path) -> None:
    with running_scp(tmp_path, limits={"min_free_disk_mb": 10**9}) as running:
        assert send(running.port, film(), film(CTImageStorage)) == [0xA700, 0x0000]


def test_a_disk_that_is_full_is_out_of_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_scp(tmp_path) as running:

        def full(*_: object) -> str:
            raise DiskFull("full")

        monkeypatch.setattr(running.queue.spool, "store_film", full)
        assert send(running.port, film()) == [0xA700]


def test_a_bug_is_a_processing_failure_and_its_text_is_not_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running_scp(tmp_path) as running:

        def fail(*_: object) -> str:
            raise KeyError("SECRET^PATIENT")

        monkeypatch.setattr(running.queue, "add", fail)
        assert send(running.port, film()) == [0x0110]
    assert "KeyError" in caplog.text
    assert "SECRET" not in caplog.text


def test_the_log_names_no_patient_and_no_instance(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sent = film(PatientComments="SECRET")
    with caplog.at_level(logging.DEBUG), running_scp(tmp_path) as running:
        send(running.port, sent, film(StudyInstanceUID=None))
        send_with_command(running.port, "1.2.3", encoded(sent))
        await_end(running, 2)
    text = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("pneumonia"))
    assert "outcome=stored" in text
    service_lines = [record for record in caplog.records if not record.name.startswith("pynetdicom")]
    assert not any(
        value in record.getMessage()
        for record in service_lines
        for value in ("SECRET", "MRN-4711", sent.SOPInstanceUID, sent.StudyInstanceUID)
    )


# ---------------------------------------------------------------------- transfer syntaxes


def test_lossless_syntaxes_are_preferred(tmp_path: Path) -> None:
    offered = [str(JPEGBaseline8Bit), str(ImplicitVRLittleEndian), str(JPEGLosslessSV1), str(ExplicitVRLittleEndian)]
    context = next(each for each in supported_contexts() if each.abstract_syntax == ComputedRadiographyImageStorage)
    preferred = [str(syntax) for syntax in context.transfer_syntax if syntax in offered]
    assert preferred == [ExplicitVRLittleEndian, JPEGLosslessSV1, ImplicitVRLittleEndian, JPEGBaseline8Bit]


def test_every_syntax_that_is_read_is_accepted() -> None:
    from pneumonia.imaging.dicom import decoder_worker, pixel_description

    readable = {*decoder_worker.DECODERS, *pixel_description.UNCOMPRESSED, "1.2.840.10008.1.2.1.99"}
    assert set(FILM_SYNTAXES) == {str(syntax) for syntax in readable}


@pytest.mark.slow
def test_films_arrive_unchanged_in_every_syntax(tmp_path: Path) -> None:
    """Each encoding over one association: what is in the queue has the bytes of the sender's data set."""
    films = {}
    for number, data in enumerate(encodings().values()):
        sent = dcmread(BytesIO(data), force=True)
        sent.SOPInstanceUID = sent.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number}")
        sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.Modality = "1.2.3", "1.2.3", "CR"
        sent.file_meta.MediaStorageSOPClassUID = sent.SOPClassUID
        films[sent.file_meta.get("TransferSyntaxUID")] = sent
    films.pop(None, None)
    assert set(films) == set(FILM_SYNTAXES)
    with running_scp(tmp_path) as running:
        for sent in films.values():
            assert send(running.port, sent) == [0], sent.file_meta.TransferSyntaxUID.name
        assert set(running.events.outcomes) == {"stored"}
        stored = [dcmread(instance.path) for instance in running.queue.waiting_instances(100)]
    assert [each.PixelData for each in stored] == [each.PixelData for each in films.values()]


# ---------------------------------------------------------------------- DCMTK


def test_dcmtk_sends_and_verifies(tmp_path: Path) -> None:
    find_program("storescu")
    paths = []
    for side in (64, 80):
        paths.append(tmp_path / f"{side}.dcm")
        film(DigitalXRayImageStorageForPresentation, side).save_as(paths[-1], enforce_file_format=True)
    with running_scp(tmp_path / "service") as running:
        titles = ["-aet", CALLING, "-aec", "PNEUMONIA", "127.0.0.1", str(running.port)]
        assert run_program("echoscu", *titles).returncode == 0
        assert run_program("storescu", *titles, *paths).returncode == 0
        assert run_program("echoscu", "-aet", "STRANGER", "127.0.0.1", str(running.port)).returncode != 0
        assert running.events.outcomes == ["stored", "stored"]


@pytest.mark.skipif(IS_WINDOWS, reason="Windows has no permission bits")
def test_received_files_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    with running_scp(tmp_path) as running:
        send(running.port, film())
        (path,) = running.queue.spool.films.iterdir()
        assert path.stat().st_mode & 0o077 == 0
