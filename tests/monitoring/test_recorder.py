"""The recorder: what is counted, by several processes at once, after kills and with a folder that cannot be written."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from pneumonia import Failure, Predictor, settings
from pneumonia.errors import UnreadableImage, UsageError
from pneumonia.inference.reading import Reading
from pneumonia.monitoring import recorder as recorder_module
from pneumonia.monitoring import store
from pneumonia.monitoring.counts import OTHER_SOURCE, Series
from pneumonia.monitoring.recorder import Recorder
from tests.conftest import Grey

Counted = Callable[[str], dict[tuple[str, str], int]]

FAILURE = Failure("doe_john_1970.dcm", UnreadableImage("no film of John Doe"))


def test_a_scored_film_adds_one_to_answer_and_histograms(
    recorder: Recorder, predictor: Predictor, reading: Reading, counted: Counted
) -> None:
    for _ in range(3):
        recorder.record(predictor.decide(reading), reading, "page")
    assert recorder.flush()
    counts = counted("page")
    assert counts["answer", "Normal"] == 3
    assert sorted(name for name, _ in counts) == ["answer", "distance", "resemblance", "score"]
    assert set(counts.values()) == {3}


def test_a_refused_film_has_its_reason_and_gate_measures_of_its_own(
    recorder: Recorder, predictor: Predictor, counted: Counted
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300), dtype=np.uint8)
    reading = predictor.read(noise, age=3)
    recorder.record(predictor.decide(reading), reading, "CT_7")
    recorder.flush()
    counts = counted("CT_7")
    assert counts["answer", "Unknown"] == counts["reason", "not_a_chest_film"] == 1
    assert {name for name, _ in counts} >= {"refused distance", "refused resemblance"}
    assert not {"distance", "score"} & {name for name, _ in counts}


def test_a_film_of_an_age_without_a_model_has_no_gate_measures(
    recorder: Recorder, predictor: Predictor, normal_film: Grey, counted: Counted
) -> None:
    reading = predictor.read(normal_film, age=10)
    recorder.record(predictor.decide(reading), reading, "page")
    recorder.flush()
    assert counted("page") == {("answer", "Unknown"): 1, ("reason", "age_not_covered"): 1}


def test_an_inverted_film_is_counted_as_such(
    recorder: Recorder, predictor: Predictor, normal_film: Grey, counted: Counted
) -> None:
    reading = predictor.read(255 - normal_film, age=3)
    recorder.record(predictor.decide(reading), reading, "page")
    recorder.flush()
    assert counted("page")["inverted", ""] == 1


def test_nothing_of_a_patient_is_on_the_disk(
    recorder: Recorder, predictor: Predictor, reading: Reading, folder: Path
) -> None:
    recorder.record(FAILURE, None, "page")
    recorder.record(predictor.decide(reading, file="doe_john_1970.dcm"), reading, "page")
    recorder.flush()
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"doe" not in content and b"John" not in content
    assert b"unreadable_image" in content and date.today().isoformat().encode() in content
    assert f"{date.today().isoformat()}T".encode() not in content


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_only_the_owner_can_read_the_counts(recorder: Recorder, folder: Path) -> None:
    recorder.record(FAILURE, None, "page")
    recorder.flush()
    assert folder.stat().st_mode & 0o77 == 0
    assert all(path.stat().st_mode & 0o77 == 0 for path in folder.iterdir())


@pytest.mark.parametrize("title", ["", " ", "A" * 17, "名古屋", "A\\B", "A\nB", "DOE^JOHN\x00"])
def test_a_source_that_is_no_title_is_counted_as_other(recorder: Recorder, title: str, counted: Counted) -> None:
    recorder.record(FAILURE, None, title)
    recorder.flush()
    assert counted(OTHER_SOURCE) == {("error", "unreadable_image"): 1}


def test_the_number_of_sources_is_bounded(recorder: Recorder, folder: Path, counted: Counted) -> None:
    for number in range(store.MAX_SOURCES + 5):
        recorder.record(FAILURE, None, f"AE{number}")
    recorder.flush()
    recorder.record(FAILURE, None, "AE0")
    recorder.record(FAILURE, None, "AE_NEW")
    recorder.flush()
    assert len({row.series.source for row in store.read(folder)}) == store.MAX_SOURCES + 1
    assert counted(OTHER_SOURCE) == {("error", "unreadable_image"): 6}
    assert counted("AE0") == {("error", "unreadable_image"): 2}


def test_a_changed_opinion_replaces_the_first(
    recorder: Recorder, predictor: Predictor, reading: Reading, counted: Counted
) -> None:
    prediction = predictor.decide(reading)
    recorder.record(prediction, reading, "page")
    recorder.record_opinion(prediction, reading, "page", "Pneumonia")
    recorder.flush()
    recorder.record_opinion(prediction, reading, "page", "Pneumonia", films=-1)
    recorder.record_opinion(prediction, reading, "page", "cannot say")
    recorder.flush()
    opinions = {value: films for (name, value), films in counted("page").items() if name == "opinion"}
    assert opinions == {"Normal/cannot say": 1}


def test_days_beyond_the_retention_are_deleted(folder: Path) -> None:
    old, kept = (date.today() - timedelta(days=days) for days in (31, 30))
    for day in (old, kept):
        store.add(folder, {(day.isoformat(), Series("page")): {("error", "busy"): 1}})
    recorder = Recorder(folder, keep_days=30)
    recorder.record(FAILURE, None, "page")
    recorder.flush()
    assert {row.day for row in store.read(folder)} == {kept, date.today()}


def test_a_failed_deletion_counts_no_film_twice(
    recorder: Recorder, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk_is_full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "delete_before", disk_is_full)
        recorder.record(FAILURE, None, "page")
        assert not recorder.flush()
    assert recorder.flush()
    assert counted("page") == {("error", "unreadable_image"): 1}


def test_counts_wait_in_memory_while_the_folder_cannot_be_written(
    recorder: Recorder, folder: Path, counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file where the folder should be")
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            recorder.record(FAILURE, None, "page")
            assert not recorder.flush()
        folder.unlink()
        assert recorder.flush()
    assert counted("page") == {("error", "unreadable_image"): 3}
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"], "one line a disturbance"
    assert str(folder) not in caplog.text


def test_a_database_that_another_program_holds_loses_no_count(
    recorder: Recorder, folder: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_TIMEOUT_S", 0.05)
    recorder.record(FAILURE, None, "page")
    recorder.flush()
    holder = sqlite3.connect(folder / store.FILE_NAME, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    recorder.record(FAILURE, None, "page")
    assert not recorder.flush()
    holder.execute("ROLLBACK")
    holder.close()
    assert recorder.flush()
    assert counted("page") == {("error", "unreadable_image"): 2}


def test_a_damaged_or_foreign_database_is_not_overwritten(
    recorder: Recorder, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir()
    path = folder / store.FILE_NAME
    path.write_bytes(b"not a database" * 100)
    recorder.record(FAILURE, None, "page")
    assert not recorder.flush()
    assert path.read_bytes() == b"not a database" * 100
    assert "file is not a database" in caplog.text


def test_a_result_that_cannot_be_counted_raises_nothing(
    recorder: Recorder, predictor: Predictor, reading: Reading, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.record("no result", reading, "page")  # type: ignore[arg-type]
    recorder.record_opinion(predictor.decide(reading), reading, "page", "perhaps")
    assert len(caplog.records) == 1
    assert "was not counted" in caplog.text and "perhaps" not in caplog.text


def test_nothing_is_counted_without_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(settings.MONITOR.name, raising=False)
    assert recorder_module.recorder() is None
    assert recorder_module.observer("page") is None


def test_a_setting_has_one_recorder_and_invalid_days_are_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recorder_module.recorder() is recorder_module.recorder()
    monkeypatch.setenv(settings.MONITOR_DAYS.name, "ten")
    with pytest.raises(UsageError, match="PNEUMONIA_MONITOR_DAYS"):
        recorder_module.recorder()


def test_the_thread_writes_without_a_call(recorder: Recorder, counted: Counted) -> None:
    recorder.record(FAILURE, None, "page")
    for _ in range(1200):
        if counted("page"):
            break
        time.sleep(0.05)
    assert counted("page") == {("error", "unreadable_image"): 1}


WRITER = """
import sys, time
from pneumonia.errors import EmptyFile
from pneumonia.inference.decision import Failure
from pneumonia.monitoring.recorder import recorder
active = recorder()
for number in range(int(sys.argv[1])):
    active.record(Failure(None, EmptyFile("")), None, "batch")
    if number % 10 == 0 and active.flush():
        print(number + 1, flush=True)
"""


def start_writer(films: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(films)], stdout=subprocess.PIPE, text=True)


def test_processes_write_at_once_and_lose_nothing_at_their_end(folder: Path, counted: Counted) -> None:
    writers = [start_writer(75) for _ in range(3)]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
    assert counted("batch") == {("error", "empty_file"): 225}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_process_loses_only_what_was_not_written(folder: Path, counted: Counted) -> None:
    writer = start_writer(10_000_000)
    assert writer.stdout is not None
    written = [int(writer.stdout.readline()) for _ in range(8)][-1]
    time.sleep(0.01)
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.wait(60)
    last = int(rest[-1]) if rest else written
    assert last <= counted("batch")["error", "empty_file"] <= last + 10
    store.add(folder, {(date.today().isoformat(), Series("batch")): {("error", "empty_file"): 1}})
