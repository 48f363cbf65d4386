"""A decoder that crashes, hangs or returns wrong data fails one film only, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
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
from tests.support import codestreams
from tests.support.dicom_files import CHILD, dicom, encapsulated
from tests.support.systems import linux

Grey = npt.NDArray[np.uint8]
ROOT = Path(__file__).parents[3]
PROGRAM = decoder_worker.__file__
FILM = np.random.default_rng(1).integers(0, 256, (72, 80), dtype=np.uint8)
COMPRESSED = encapsulated(FILM, JPEGLosslessSV1, codestreams.jpeg_lossless(FILM, 8), **CHILD)


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


def state(pid: int) -> tuple[str, int]:
    """(state letter, parent pid) of a process; ("gone", 0) if it does not exist."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "gone", 0
    return after_name[0], int(after_name[1])


def children() -> set[int]:
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return {pid for pid in pids if state(pid)[1] == os.getpid()}


def has_ended(pid: int) -> bool:
    """Wait up to a minute for the process to end; a zombie that its parent has not reaped yet counts as ended."""
    for _ in range(600):
        if state(pid)[0] in {"gone", "Z"}:
            return True
        time.sleep(0.1)
    return False


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


SPINS = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
from pneumonia.imaging.dicom import decoder_worker
decoder_worker._limit_resources(10**9, 1)
print(resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
while True:
    pass
"""


@linux
def test_a_decoder_that_loops_after_the_service_was_killed_ends_without_a_core_dump() -> None:
    process = subprocess.run([sys.executable, "-c", SPINS], capture_output=True, text=True, timeout=600)
    assert (process.stdout.strip(), -process.returncode) == ("0", signal.SIGXCPU)


START = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom pathlib import Path\n"


def python(code: str, folder: Path, *arguments: object) -> str:
    """Output of a new interpreter started in `folder`; `pneumonia` is imported from this checkout."""
    command = [sys.executable, "-c", START + code, *map(str, arguments)]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


PID = "from pneumonia.imaging.dicom import decoder_pool\nprint(decoder_pool._pool._idle[0]._process.pid, flush=True)\n"
HARDENED = "from pneumonia.imaging.process_hardening import harden_process\nharden_process()\n"
DECODES = "from pneumonia.imaging import read\nread(Path(sys.argv[1]))\n" + PID


@pytest.fixture
def film_path(tmp_path: Path) -> Path:
    path = tmp_path / "film"
    path.write_bytes(COMPRESSED)
    return path


@pytest.mark.slow
@linux
def test_a_worker_ends_with_the_program(film_path: Path) -> None:
    assert has_ended(int(python(DECODES, film_path.parent, film_path)))


@pytest.mark.slow
@linux
def test_a_worker_ends_when_the_program_is_killed(film_path: Path) -> None:
    waits = START + DECODES + "import time\ntime.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", waits, film_path], stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        worker = int(service.stdout.readline())
        assert state(worker)[0] not in {"gone", "Z"}
        service.kill()
    assert has_ended(worker)


FORKS = """
import os
child = os.fork()
if child == 0:
    read(Path(sys.argv[1]))
    print(decoder_pool._pool._idle[0]._process.pid, flush=True)
    decoder_pool._pool.end()
    os._exit(0)
os.waitpid(child, 0)
read(Path(sys.argv[1]))
print(decoder_pool._pool._idle[0]._process.pid)
"""


@pytest.mark.slow
@linux
def test_a_forked_program_has_workers_of_its_own(film_path: Path) -> None:
    before, inside, after = python(DECODES + FORKS, film_path.parent, film_path).split()
    assert before == after != inside


@linux
def test_an_uncompressed_film_starts_no_process_and_loads_no_native_decoder(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(dicom(FILM))
    code = HARDENED + "from pneumonia.imaging import read\nread(Path(sys.argv[1]))\n"
    code += "from pneumonia.imaging.dicom import decoder_pool\n"
    code += "import pydicom\nprint(bool(sys.modules.get('gdcm')), decoder_pool._pool._idle)"
    assert python(code, tmp_path, tmp_path / "film") == "False []"


@linux
def test_a_compressed_film_loads_no_native_decoder_into_the_service(film_path: Path) -> None:
    code = HARDENED + DECODES + "print(bool(sys.modules.get('gdcm')))"
    assert python(code, film_path.parent, film_path).endswith("False")


def test_a_program_that_has_imported_gdcm_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(dicom(FILM))
    code = "import gdcm\n" + HARDENED + "from pneumonia.imaging import read\nread(Path(sys.argv[1]))\n"
    code += "print(sys.modules['gdcm'] is gdcm)"
    assert python(code, tmp_path, tmp_path / "film") == "True"


@pytest.mark.slow
def test_a_folder_with_the_name_of_a_module_that_gdcm_imports_is_ignored(film_path: Path) -> None:
    """GDCM imports a module `dl` if Python finds one, and fails if it is not the expected one."""
    (film_path.parent / "dl").mkdir()
    assert python("sys.path.insert(0, '')\n" + HARDENED + DECODES, film_path.parent, film_path).isdecimal()


def test_a_worker_imports_neither_page_nor_model() -> None:
    command = [sys.executable, "-X", "importtime", "-P", PROGRAM]
    process = subprocess.run(command, input="", capture_output=True, text=True, timeout=600)
    modules = {line.rpartition("|")[2].strip() for line in process.stderr.splitlines()}
    assert process.returncode == 0
    assert {"gdcm", "pydicom", "numpy"} <= modules
    assert not {"gradio", "tensorflow", "keras", "ai_edge_litert", "pneumonia", "huggingface_hub"} & modules
