"""`python -m pneumonia pacs` as a process: from a film to its results, second start, signals; commands on the queue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pynetdicom.events import Event

from benchmarks.service_process import free_port
from pneumonia import cli, settings
from pneumonia.monitoring import store
from pneumonia.pacs.configuration import load_configuration
from pneumonia.pacs.film_processing import result_options
from pneumonia.pacs.queue import Queue, Reception, Result
from pneumonia.reporting.result_files import SUFFIXES

from ..support.source_films import hospital_film
from ..support.wait import until
from .scp_support import send
from .storage_peers import scripted_scp

ROOT = Path(__file__).parents[2]
STORED, SKIPPED = "outcome=stored", "outcome=skipped:own_result"


def write_configuration(folder: Path, destination_port: int, port: int) -> Path:
    path = folder / "pacs.toml"
    path.write_text(
        f"""
[service]
port = {port}
folder = "queue"
workers = 1
[limits]
min_free_disk_mb = 1
[[destination]]
name = "archive"
ae_title = "PACS"
host = "127.0.0.1"
port = {destination_port}
""",
        encoding="utf-8",
    )
    return path


@contextmanager
def service(configuration: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """(process, log file) of a service; it is ended by SIGTERM if it still runs."""
    log = configuration.parent / f"service{len(list(configuration.parent.glob('service*')))}.log"
    command = [sys.executable, "-m", "pneumonia", "pacs", "--config", str(configuration), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=output, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
    try:
        assert until(lambda: "state=listening" in log.read_text() or process.poll() is not None, 120)
        yield process, log
    finally:
        process.terminate()
        process.wait(120)


def film(**tags: Any) -> Dataset:
    dataset = dcmread(BytesIO(hospital_film("Pneumonia", **tags)))
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


@pytest.mark.slow
def test_a_film_becomes_results_once_and_the_service_ends_gracefully(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.MONITOR.name, str(tmp_path / "counts"))
    port = free_port()
    sent, other = film(), film(SOPInstanceUID="1.2.826.0.1.3680043.10.999.7.9", InstanceNumber=3)
    received: list[Dataset] = []

    def receive(event: Event) -> int:
        received.append(event.dataset)
        return 0x0000

    with scripted_scp([receive] * 10) as archive:
        configuration = write_configuration(tmp_path, archive.port, port)
        with service(configuration) as (process, log):
            assert send(port, sent, sent, other, calling="CR1") == [0, 0, 0]
            assert until(lambda: len(archive.stored) == 4)
            assert [each.Modality for each in received] == ["SR", "OT", "SR", "OT"]
            assert {each.PatientID for each in received} == {sent.PatientID}
            assert {each.StudyInstanceUID for each in received} == {sent.StudyInstanceUID}

            # The PACS routes a result back to the service.
            picture = received[1]
            picture.file_meta = sent.file_meta
            picture.file_meta.MediaStorageSOPClassUID = picture.SOPClassUID
            picture.file_meta.MediaStorageSOPInstanceUID = picture.SOPInstanceUID
            assert send(port, picture) == [0]
            assert until(lambda: SKIPPED in log.read_text())

            with service(configuration, "--port", str(free_port())) as (second, second_log):
                assert second.wait(60) == 2
                assert "Another PACS service" in second_log.read_text()
            # The queue is empty as soon as the service has the responses of the archive.
            assert until(lambda: run_pacs(configuration, "queue").stdout.count(" 0\n") == 3)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        text = log.read_text()
    assert archive.requests == 4
    answers = [row for row in store.read(tmp_path / "counts") if row.name == "answer"]
    assert {row.series.source for row in answers} == {"CR1"} and sum(row.films for row in answers) == 2
    assert (text.count(STORED), text.count("outcome=duplicate")) == (2, 1)
    assert "state=stopped" in text
    assert not any(str(value) in text for value in (sent.PatientID, "Doe", sent.SOPInstanceUID, sent.StudyInstanceUID))
    assert not [path for path in (tmp_path / "queue").rglob("*.dcm")]


def run_pacs(configuration: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pneumonia", "pacs", "--config", str(configuration), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_a_port_in_use_is_an_error(tmp_path: Path) -> None:
    with scripted_scp() as other, service(write_configuration(tmp_path, 1, other.port)) as (process, log):
        assert process.wait(60) == 2
        assert f"usage: The service cannot listen on port {other.port}" in log.read_text()


# ---------------------------------------------------------------------- commands on the queue, in this process


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A configuration whose queue has one film and one result among the dead letters, and a result that waits."""
    path = write_configuration(tmp_path, free_port(), 0)
    queue = Queue(tmp_path / "queue")
    for number in range(2):
        source = queue.spool.incoming / "film.dcm"
        source.write_bytes(b"%d" % number)
        queue.add(source, Reception("CR1", "1.2.3", f"1.2.{number}", "1.2"))
    first, second = queue.waiting_instances(2)
    queue.fail(first.id, "crashed")
    kinds = ("dicom-sr", "secondary-capture")
    queue.complete(second, [Result(kind, SUFFIXES[kind], b"", "1.2", "1.3", ("archive",)) for kind in kinds])
    queue.fail_delivery(queue.due_deliveries("archive", 1)[0].id, "A900: data set does not match SOP class.")
    queue.close()
    return path


def pacs(configuration: Path, *arguments: str) -> int:
    return cli.main(["pacs", "--config", str(configuration), *arguments])


def test_the_queue_is_counted(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pacs(configuration, "queue") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:5] == [
        ["films", "received", "0"],
        ["films", "predicted", "1"],
        ["films", "failed", "1"],
        ["results", "failed", "1", "archive"],
        ["results", "waiting", "1", "archive"],
    ]


def test_dead_letters_are_listed_retried_and_discarded(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pacs(configuration, "failed") == 0
    film, result = capsys.readouterr().out.splitlines()
    assert film.startswith("film-1 ") and film.endswith("crashed")
    assert result.startswith("delivery-1 ") and "dicom-sr -> archive" in result
    assert pacs(configuration, "retry", "film-1") == 0
    assert pacs(configuration, "discard", "delivery-1") == 0
    capsys.readouterr()
    assert pacs(configuration, "failed") == 0
    assert capsys.readouterr().out == ""


def test_all_dead_letters_are_retried(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pacs(configuration, "retry", "--all") == 0
    assert capsys.readouterr().out == "2 back in the queue\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["retry"], "--all"),
        (["retry", "film-1", "--all"], "--all"),
        (["retry", "film-99"], "Received: film-99"),
        (["discard"], "Which dead letter"),
        (["--port", "70000"], "--port"),
        (["--ae-title", "A" * 17], "--ae-title"),
    ],
)
def test_wrong_usage_is_exit_code_2_with_the_reason(
    configuration: Path, arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pacs(configuration, *arguments) == 2
    assert text in capsys.readouterr().err


def test_a_queue_that_does_not_exist_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pacs(write_configuration(tmp_path, 1, 0), "queue") == 2
    assert "There is no queue" in capsys.readouterr().err


def test_a_check_asks_for_the_configured_class_of_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted_scp() as archive:  # of Comprehensive SR and Secondary Capture
        path = write_configuration(tmp_path, archive.port, 0)
        path.write_text(f'{path.read_text()}\n[results]\nsr_class = "comprehensive_3d"\n')
        assert pacs(path, "--check") == 1
    assert "does not accept Comprehensive 3D SR Storage" in capsys.readouterr().out
    assert result_options(load_configuration(path)).sr_class == "comprehensive_3d"


def test_a_check_asks_the_destinations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_scp() as archive:
        assert pacs(write_configuration(tmp_path, archive.port, 0), "--check", "--ae-title", "OTHER") == 0
    out = capsys.readouterr().out
    assert "OTHER on 127.0.0.1:0" in out
    assert "destination archive: accepts the results" in out
    assert pacs(tmp_path / "pacs.toml", "--check") == 1
    assert "destination archive: accepts" not in capsys.readouterr().out
