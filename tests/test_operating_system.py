"""Processes, memory, open files and consoles on Windows and macOS, simulated where the test runs on another system."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import JPEGLosslessSV1

from pneumonia import operating_system
from pneumonia.imaging import read
from pneumonia.imaging.dicom import decoder_pool, decoder_worker, jpeg_headers, lossless_jpeg
from tests.support import codestreams
from tests.support.dicom_files import encapsulated

ROOT = Path(__file__).parents[1]
POLISH = "Łódź Żółć – 胸片.png"
"""A file name with characters of which cp1252 and ASCII have few."""

posix = pytest.mark.skipif(operating_system.IS_WINDOWS, reason="Windows has no such limit or name")


@pytest.fixture
def c_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], None]]:
    """`c_library(result)`: `ctypes.CDLL` returns the result, or raises it if it is an exception."""

    def replace(result: Any) -> None:
        def load(_: str | None) -> Any:
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(ctypes, "CDLL", load)
        operating_system._c_library.cache_clear()

    yield replace
    operating_system._c_library.cache_clear()


def test_a_pipe_is_enlarged_where_the_system_can(monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl", reason="Windows has no fcntl")
    if not hasattr(fcntl, "F_GETPIPE_SZ"):
        pytest.skip("this system has pipes of one size")
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        operating_system.enlarge_pipe(process.stdout, 2**18)
        assert process.stdout is not None
        assert fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ) == 2**18
        monkeypatch.setattr(operating_system, "fcntl", None)
        operating_system.enlarge_pipe(process.stdout, 2**17)
        assert fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ) == 2**18


@pytest.mark.parametrize(
    "result",
    [TypeError("argument of type 'NoneType' is not iterable"), OSError("not found"), object()],
    ids=["Windows", "a static interpreter", "macOS and musl, without these functions"],
)
def test_memory_settings_of_glibc_are_skipped_elsewhere(c_library: Callable[[Any], None], result: Any) -> None:
    c_library(result)
    operating_system.limit_malloc_arenas()
    operating_system.trim_heap()


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc")
def test_memory_settings_are_applied_with_glibc(c_library: Callable[[Any], None]) -> None:
    calls: list[tuple[str, tuple[int, ...]]] = []

    class Glibc:
        def mallopt(self, *values: int) -> None:
            calls.append(("mallopt", values))

        def malloc_trim(self, *values: int) -> None:
            calls.append(("malloc_trim", values))

    c_library(Glibc())
    operating_system.limit_malloc_arenas()
    operating_system.trim_heap()
    assert calls == [("mallopt", (-8, 2)), ("malloc_trim", (0,))]


def test_a_child_of_its_own_session_or_process_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating_system, "IS_WINDOWS", False)
    assert operating_system.detached_process_options() == {"start_new_session": True}
    monkeypatch.setattr(operating_system, "IS_WINDOWS", True)
    # CREATE_NEW_PROCESS_GROUP and CREATE_NO_WINDOW of `subprocess`, which has them on Windows only.
    assert operating_system.detached_process_options() == {"creationflags": 0x200 | 0x8000000}


@pytest.mark.skipif(not operating_system.IS_WINDOWS, reason="only Windows has the names of these flags")
def test_the_flags_are_those_of_windows() -> None:
    flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW  # type: ignore[attr-defined]
    assert operating_system.detached_process_options() == {"creationflags": flags}


def test_a_film_is_decoded_without_the_limits_that_windows_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The worker runs without `resource` and without /proc, as on Windows and macOS."""
    program = tmp_path / "worker.py"
    source = Path(decoder_worker.__file__).read_text(encoding="utf-8")
    program.write_text(
        "import sys\nsys.modules['resource'] = None\n" + source.replace("from __future__ import annotations\n", "")
        .replace("/proc/self/statm", str(tmp_path / "missing")),
        encoding="utf-8",
    )  # fmt: skip
    for module in (jpeg_headers, lossless_jpeg):
        shutil.copy(str(module.__file__), tmp_path)
    monkeypatch.setattr(decoder_worker, "__file__", str(program))
    monkeypatch.setattr(decoder_pool, "_pool", decoder_pool._WorkerPool())
    film = np.random.default_rng(1).integers(0, 256, (72, 80), dtype=np.uint8)
    try:
        decoded = read(encapsulated(film, JPEGLosslessSV1, codestreams.jpeg_lossless(film, 8)))
    finally:
        decoder_pool._pool.end()
    np.testing.assert_array_equal(decoded.pixels, film)


def test_few_decoders_run_where_few_files_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_THREADS", "64")
    for limit, workers in ((256, 16), (operating_system.MAX_OPEN_FILES, 64), (4, 1)):
        monkeypatch.setattr(operating_system, "open_file_limit", lambda limit=limit: limit)
        assert decoder_pool._max_workers() == workers


def test_systems_without_resource_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating_system, "resource", None)
    operating_system.raise_open_file_limit()
    assert operating_system.open_file_limit() == operating_system.UNLIMITED


LIMIT = """
import resource, sys
from pneumonia import operating_system
soft, hard = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
operating_system.raise_open_file_limit()
print(operating_system.open_file_limit())
"""


@posix
@pytest.mark.parametrize(("soft", "hard", "raised"), [(256, 512, 512), (256, 256, 256), (256, 10_000, 4_096)])
def test_the_limit_on_open_files_is_raised_as_far_as_allowed(soft: int, hard: int, raised: int) -> None:
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if allowed not in {-1, resource.RLIM_INFINITY} and allowed < hard:
        pytest.skip(f"this machine allows {allowed} open files")
    command = [sys.executable, "-c", LIMIT, str(soft), str(hard)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == f"{raised}\n"


def test_too_many_open_files_are_recognised() -> None:
    assert operating_system.is_out_of_files(OSError(errno.EMFILE, "too many"))
    assert not operating_system.is_out_of_files(OSError(errno.ENOENT, "missing"))


def test_a_closed_pipe_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating_system, "IS_WINDOWS", False)
    assert operating_system.is_closed_pipe(BrokenPipeError())
    assert not operating_system.is_closed_pipe(OSError(errno.EINVAL, "invalid"))
    monkeypatch.setattr(operating_system, "IS_WINDOWS", True)
    assert operating_system.is_closed_pipe(OSError(errno.EINVAL, "invalid"))
    assert not operating_system.is_closed_pipe(OSError(errno.EINVAL, "invalid", "film.png"))


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A program of this checkout with a pipe as stdout; the environment has no encoding of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PNEUMONIA_", "PYTHONIOENCODING", "PYTHONUTF8", "LC_", "LANG"))
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        timeout=120,
    )


def encoding_warnings(process: subprocess.CompletedProcess[bytes]) -> list[bytes]:
    """Warnings of `-X warn_default_encoding` about this package; libraries have some too."""
    return re.findall(re.escape(str(ROOT).encode()) + rb"\S*EncodingWarning.*", process.stderr)


CONSOLES = {
    "Windows, western Europe": {"PYTHONIOENCODING": "cp1252"},
    "Windows, DOS": {"PYTHONIOENCODING": "cp437"},
    "ASCII": {"PYTHONIOENCODING": "ascii"},
    "LANG=C": {"LC_ALL": "C"},
    "LANG=C without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.fixture
def polish_files(tmp_path: Path) -> list[Path]:
    """A film and a damaged file."""
    film, damaged = tmp_path / POLISH, tmp_path / f"damaged {POLISH}"
    (example,) = (ROOT / "pneumonia" / "models" / "children" / "examples").glob("*normal*.png")
    film.write_bytes(example.read_bytes())
    damaged.write_bytes(b"no film")
    return [film, damaged]


@pytest.mark.parametrize("console", CONSOLES)
def test_a_name_that_the_console_cannot_show_ends_no_command(polish_files: list[Path], console: str) -> None:
    out = polish_files[0].parent / "maps"
    process = run(
        "-m", "pneumonia", "predict", *map(str, polish_files), "--heatmap", str(out), **CONSOLES[console]
    )  # fmt: skip
    assert process.returncode == 1, process.stderr
    assert b"Traceback" not in process.stderr and b"internal" not in process.stderr
    assert len(process.stdout.splitlines()) == 2
    assert [path.name for path in out.iterdir()] == [f"{polish_files[0].stem}.heatmap.png"]


def test_json_contains_the_name_whatever_the_console(polish_files: list[Path]) -> None:
    process = run("-m", "pneumonia", "predict", "--json", *map(str, polish_files), PYTHONIOENCODING="cp1252")
    assert [json.loads(line)["file"] for line in process.stdout.splitlines()] == [str(path) for path in polish_files]


@pytest.mark.parametrize("console", ["Windows, western Europe", "ASCII"])
@pytest.mark.parametrize(
    "command",
    [
        ["app.py", "--help"],
        ["train.py", "--help"],
        ["-m", "pneumonia", "--help"],
        ["-m", "pneumonia", "model"],
        ["-m", "pneumonia", "batch", POLISH, "--out", POLISH],
        ["train.py", "--data", POLISH],
    ],
    ids=" ".join,
)
def test_no_text_of_a_program_fails_on_a_console(command: list[str], console: str) -> None:
    process = run("-X", "warn_default_encoding", *command, **CONSOLES[console])
    assert b"Traceback" not in process.stderr, process.stderr
    assert not encoding_warnings(process)


def test_files_are_written_as_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / POLISH).write_bytes(b"no film")
    out = tmp_path / "out" / "results.csv"
    process = run(
        "-X", "warn_default_encoding", "-m", "pneumonia", "batch", str(tmp_path), "--out", str(out), "--jsonl",
        PYTHONIOENCODING="cp1252",
    )  # fmt: skip
    assert process.returncode == 1, process.stderr
    assert not encoding_warnings(process)
    assert POLISH in out.read_text(encoding="utf-8")
    assert b"\r" not in out.read_bytes() + out.with_suffix(".jsonl").read_bytes()


SPAWN = """
import multiprocessing, sys
import pneumonia

def predict(path):
    return pneumonia.load_predictor("", threads=1).predict(path).as_dict()

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.map(predict, sys.argv[1:])
    assert results == [predict(path) for path in sys.argv[1:]]
    print(*(result["label"] for result in results))
"""


@pytest.mark.slow
def test_processes_that_spawn_starts_predict_the_same(tmp_path: Path, large_film: Any) -> None:
    """Windows and macOS have no `fork`, or do not use it. Each process has decoders of its own."""
    program, path = tmp_path / "program.py", tmp_path / "film.dcm"
    program.write_text(SPAWN, encoding="utf-8")
    path.write_bytes(encapsulated(large_film, JPEGLosslessSV1, codestreams.jpeg_lossless(large_film, 8)))
    process = run(str(program), *[str(path)] * 4)
    assert process.returncode == 0, process.stderr
    assert process.stdout.split() == [b"Normal"] * 4


DECODES_WITHOUT_A_GUARD = """
import sys
import pneumonia
print("started")
print(pneumonia.load_predictor("").predict(sys.argv[1]).label)
"""


def test_a_program_needs_no_main_guard(tmp_path: Path, large_film: Any) -> None:
    """The decoders are started as programs of their own, which do not import the caller's `__main__`."""
    program, path = tmp_path / "program.py", tmp_path / "film.dcm"
    program.write_text(DECODES_WITHOUT_A_GUARD, encoding="utf-8")
    path.write_bytes(encapsulated(large_film, JPEGLosslessSV1, codestreams.jpeg_lossless(large_film, 8)))
    process = run(str(program), str(path))
    assert process.stdout.split() == [b"started", b"Normal"], process.stderr
