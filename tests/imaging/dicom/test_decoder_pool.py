"""A decoder that crashes, hangs or returns wrong data fails one film only, and the pool replaces its process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLosslessSV1

from pneumonia import Failure, Predictor
from pneumonia.errors import Busy, UnreadableImage, UnsupportedDicom
from pneumonia.imaging import read
from pneumonia.imaging.dicom import decoder_pool, decoder_worker
from tests.imaging.dicom.compressed_film import COMPRESSED, FILM, has_ended, state
from tests.support import codestreams
from tests.support.dicom_files import CHILD, dicom, encapsulated
from tests.support.systems import linux

Grey = npt.NDArray[np.uint8]
ROOT = Path(__file__).parents[3]
PROGRAM = decoder_worker.__file__


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pool for this test only; afterwards this process has no additional child, running or zombie."""
    before = children()
    monkeypatch.setattr(decoder_pool, "_pool", decoder_pool._WorkerPool())
    yield
    decoder_pool._pool.end()
    assert children() <= before


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """`program(text)`: new workers run this Python source; `program("")` restores the real program."""

    def replace(text: str) -> None:
        path = tmp_path / "program.py"
        path.write_text(text)
        monkeypatch.setattr(decoder_worker, "__file__", str(path) if text else PROGRAM)

    return replace


def children() -> set[int]:
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return {pid for pid in pids if state(pid)[1] == os.getpid()}


def idle() -> list[int]:
    return [worker._process.pid for worker in decoder_pool._pool._idle]


READ = "import ctypes, json, os, sys, time\nrequest = json.loads(sys.stdin.buffer.readline())\n"
ANSWER = "sys.stdout.buffer.write(json.dumps({'dtype': %r, 'shape': %r}).encode() + b'\\n' + bytes(%d))\n"
BROKEN = {
    "aborts": READ + "os.abort()",
    "segmentation fault": READ + "ctypes.string_at(0)",
    "is killed by SIGKILL": READ + "os.kill(os.getpid(), 9)",
    "exits without a response": READ,
    "does not start": "import nothing_of_this_name",
    "writes invalid JSON": READ + "print('nonsense')\nsys.stdout.flush()\ntime.sleep(600)",
    "writes invalid UTF-8": READ + "sys.stdout.buffer.write(bytes(range(256)) * 9 + b'\\n')",
    "writes an endless line": READ + "sys.stdout.write('[' * 10**7)",
    "returns a number": READ + "print(7)",
    "returns another size": READ + ANSWER % ("|u1", [1, 1], 1),
    "returns objects": READ + ANSWER % ("|O", FILM.shape, 8 * FILM.size),
    "returns half of the samples": READ + ANSWER % ("|u1", FILM.shape, FILM.size // 2),
}


FIRST_BROKEN = {"segmentation fault", "exits without a response", "writes an endless line", "returns another size"}
"""One of each class: ended by a signal, no response, a response that is none, samples that do not fit."""


@linux
@pytest.mark.parametrize(
    "name", [name if name in FIRST_BROKEN else pytest.param(name, marks=pytest.mark.slow) for name in BROKEN]
)
def test_a_decoder_that_crashes_fails_one_film(
    name: str, program: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    program(BROKEN[name])
    with pytest.raises(UnreadableImage, match="its decoder crashed") as caught:
        read(COMPRESSED)
    assert idle() == []
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    everything = caught.value.message + caplog.text
    assert "crashed with exit code" in caplog.text
    assert not any(secret in everything for secret in CHILD.values())
    program("")
    np.testing.assert_array_equal(read(COMPRESSED).pixels, FILM)


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_pool, "CPU_SECONDS_BASE", 1)
    monkeypatch.setattr(decoder_pool, "CLOCK_SECONDS_PER_CPU_SECOND", 1)


@linux
@pytest.mark.parametrize("statement", ["time.sleep(600)", "while True: pass", "sys.stdin.buffer.read()"])
def test_a_decoder_that_hangs_is_ended(statement: str, short_timeout: None, program: Callable[[str], None]) -> None:
    program(READ + statement)
    with pytest.raises(UnreadableImage, match=r"cannot be decoded in time .* Allowed: 1 s\."):
        read(COMPRESSED)
    assert idle() == []


@pytest.mark.slow
@linux
def test_a_decoder_that_never_takes_the_frame_is_ended(short_timeout: None, program: Callable[[str], None]) -> None:
    """The frame is larger than a pipe buffer, so the service would block forever when writing it."""
    program("import time\ntime.sleep(600)")
    large = np.random.default_rng(2).integers(0, 256, (800, 800), dtype=np.uint8)
    with pytest.raises(UnreadableImage, match="in time"):
        read(encapsulated(large, JPEGLosslessSV1, codestreams.jpeg_lossless(large, 8)))


FRAGILE = f"""
import importlib.util, os, time
spec = importlib.util.spec_from_file_location("decoder_worker", {PROGRAM!r})
real = importlib.util.module_from_spec(spec)
spec.loader.exec_module(real)
original = real.decode_frame
def fragile(syntax, layout, frame):
    if b"CRASH" in frame:
        os.abort()
    while b"SPIN" in frame:
        pass
    return original(syntax, layout, frame)
real.decode_frame = fragile
fragile.frames = 0
real.serve()
"""


@linux
def test_in_a_batch_only_the_films_that_crash_a_decoder_fail(
    large_film: Grey, predictor: Predictor, program: Callable[[str], None]
) -> None:
    program(FRAGILE)
    good, bad = (
        encapsulated(large_film, JPEGBaseline8Bit, codestreams.jpeg(large_film, comment=comment))
        for comment in (b"", b"CRASH")
    )
    films = [good, bad, dicom(large_film), good, bad, bad, good]
    answers = list(predictor.predict_many(films))
    assert [isinstance(answer, Failure) for answer in answers] == [film is bad for film in films]
    assert {answer.error.code for answer in answers if isinstance(answer, Failure)} == {"unreadable_image"}
    assert len({answer.probability for answer in answers if not isinstance(answer, Failure)}) <= 2


@linux
def test_a_decoder_that_loops_is_ended_by_its_cpu_limit(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall-clock limit is a day here, so only the CPU limit can end it."""
    monkeypatch.setattr(decoder_pool, "CPU_SECONDS_BASE", 1)
    monkeypatch.setattr(decoder_pool, "CLOCK_SECONDS_PER_CPU_SECOND", 86_400)
    program(FRAGILE)
    with pytest.raises(UnreadableImage, match=r"in time .* Allowed: 1 s\."):
        read(encapsulated(FILM, JPEGBaseline8Bit, codestreams.jpeg(FILM, comment=b"SPIN")))
    assert idle() == []


@linux
def test_a_worker_serves_film_after_film_also_after_a_damaged_one() -> None:
    read(COMPRESSED)
    first = idle()
    with pytest.raises(UnreadableImage, match="damaged and cannot be decoded"):
        read(encapsulated(FILM, JPEGLosslessSV1, b"\xff\xd8 nothing \xff\xd9"))
    np.testing.assert_array_equal(read(COMPRESSED).pixels, FILM)
    assert (len(first), idle()) == (1, first)


@linux
def test_a_worker_that_died_while_idle_is_replaced() -> None:
    decoder_pool._pool.end()  # workers of other tests
    read(COMPRESSED)
    (pid,) = idle()
    os.kill(pid, signal.SIGKILL)
    assert has_ended(pid)
    np.testing.assert_array_equal(read(COMPRESSED).pixels, FILM)
    assert (state(pid)[0], len(idle())) == ("gone", 1)


@linux
def test_a_worker_goes_on_when_a_service_manager_ends_all_processes() -> None:
    decoder_pool._pool.end()
    read(COMPRESSED)
    (pid,) = idle()
    os.kill(pid, signal.SIGTERM)
    np.testing.assert_array_equal(read(COMPRESSED).pixels, FILM)
    assert idle() == [pid]


@pytest.mark.slow
@linux
def test_a_worker_corrupted_by_an_earlier_film_does_not_fail_a_later_one(program: Callable[[str], None]) -> None:
    """Damaged bytes may corrupt the memory of a decoder so that only a later frame crashes."""
    program(FRAGILE.replace('if b"CRASH" in frame:', "fragile.frames += 1\n    if fragile.frames == 2:"))
    for _ in range(3):
        np.testing.assert_array_equal(read(COMPRESSED).pixels, FILM)


@linux
def test_threads_share_as_many_workers_as_the_setting_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_THREADS", "2")
    barrier = threading.Barrier(6)

    def one(_: int) -> bool:
        barrier.wait()
        return np.array_equal(read(COMPRESSED).pixels, FILM)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(one, range(6)))
    assert len(idle()) == 2


@linux
def test_an_interrupted_decode_leaves_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(decoder_pool._Worker, "_exchange", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read(COMPRESSED)
    assert idle() == []


def test_a_service_that_can_start_no_process_says_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(ROOT / "no such interpreter"))
    with pytest.raises(Busy, match="try again later"):
        read(COMPRESSED)
    monkeypatch.undo()


def test_a_missing_decoder_is_reported_as_not_installed(program: Callable[[str], None]) -> None:
    program(f"import runpy, sys\nsys.modules['gdcm'] = None\nrunpy.run_path({PROGRAM!r}, run_name='__main__')")
    with pytest.raises(UnsupportedDicom, match="is not installed"):
        read(COMPRESSED)


@linux
def test_the_memory_of_a_decoder_is_limited_by_the_image_size(monkeypatch: pytest.MonkeyPatch) -> None:
    blank = np.zeros((3000, 3000), np.uint16)
    data = encapsulated(blank, JPEG2000Lossless, codestreams.jpeg_2000(blank, 16))
    assert not read(data).pixels.any()
    monkeypatch.setattr(decoder_pool, "MEMORY_BASE", 0)
    monkeypatch.setattr(decoder_pool, "MEMORY_PER_SAMPLE", 1)
    with pytest.raises(UnreadableImage):
        read(data)
