"""The command `archive` on a real Ray of two workers: kills, a second run, and the same rows as `batch`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ..support import archive_runs as runs

pytestmark = pytest.mark.slow
FILMS = 400
REAL_FILMS = 1_000


@pytest.fixture(scope="module")
def films(
    tmp_path_factory: pytest.TempPathFactory, large_film: npt.NDArray[np.uint8], encode: Callable[..., bytes]
) -> Path:
    """Films large enough that a kill hits the middle of a run, some unreadable ones, and a name that is not text."""
    folder = tmp_path_factory.mktemp("archive") / "films"
    (folder / "sub").mkdir(parents=True)
    (folder / "0.png").write_bytes(encode(np.tile(large_film, (2, 2)), "PNG"))
    (folder / "1.png").write_bytes(b"broken")
    for number in range(2, FILMS):
        (folder / ("sub" if number % 3 else "") / f"{number}.png").hardlink_to(folder / f"{int(number % 19 == 0)}.png")
    (folder / os.fsdecode(b"\xff.png")).hardlink_to(folder / "0.png")
    (folder / "=sum.png").hardlink_to(folder / "0.png")
    (folder / "films.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    return folder


@pytest.fixture(scope="module")
def expected(films: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The rows of `batch` without the ZIP, which `batch` would open and `archive` treats as an unreadable film."""
    table = tmp_path_factory.mktemp("batch") / "results.csv"
    paths = [str(path) for path in sorted(films.iterdir()) if path.suffix != ".zip"]
    assert runs.run(*paths, "--out", table, subcommand="batch").returncode == 1
    return runs.table(table)


def without_zip(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    zips = [row for row in rows if row["file"].endswith(".zip")]
    assert [row["error_code"] for row in zips] == ["unsupported_format"]
    return [row for row in rows if row not in zips]


def test_a_worker_that_is_killed_costs_no_row(films: Path, expected: list[dict[str, str]], tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = runs.start(films, "--out", out, "--workers", 2)
    first, _ = runs.wait_for_workers(process, 2)
    runs.wait_for_parts(process, out, 3)
    os.kill(first, signal.SIGKILL)
    stderr = process.communicate(timeout=runs.TIMEOUT_S)[1]
    assert process.returncode == 1, stderr
    assert without_zip(runs.rows(out)) == expected
    assert "Traceback" not in stderr
    assert re.search(rf"^{len(expected) + 1} films: .* failed: ", stderr.splitlines()[-1])


def test_a_killed_run_is_continued_and_finished_parts_stay(
    films: Path, expected: list[dict[str, str]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = runs.start(films, "--out", out, "--workers", 2)
    pids = runs.wait_for_workers(process, 2)
    runs.wait_for_parts(process, out, 3)
    process.kill()
    process.communicate(timeout=runs.TIMEOUT_S)
    _wait_until_ended(pids)
    finished = {path: (path.stat().st_ino, path.read_bytes()) for path in runs.row_files(out)}
    assert 3 <= len(finished) < 32
    assert runs.run(films, "--out", out, "--workers", 2).returncode == 1
    assert without_zip(runs.rows(out)) == expected
    assert {path: (path.stat().st_ino, path.read_bytes()) for path in finished} == finished
    assert not list((out / "rows").glob(".*"))


def _wait_until_ended(pids: list[int]) -> None:
    """Ray's workers end by themselves after their driver; then none of them writes any more."""
    deadline = time.monotonic() + runs.TIMEOUT_S
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_finished_archive_takes_new_films_from_a_list(films: Path, tmp_path: Path) -> None:
    """A second run does nothing; a list with addresses of other films adds rows; other options are refused."""
    out = tmp_path / "out"
    some = [films / "0.png", films / "1.png"]
    assert runs.run(*some, "--out", out).returncode == 1
    first = runs.rows(out)
    assert runs.run(*some, "--out", out).returncode == 1
    assert runs.rows(out) == first
    film_list = tmp_path / "list.parquet"
    new = [f"file://{films}/0.png", f"file://{films}/gone.png", str(films / "0.png")]
    pq.write_table(pa.table({"path": [*new, None], "ward": ["a", "b", "c", "d"]}), film_list)
    result = runs.run(film_list, "--out", f"file://{out}")
    assert result.returncode == 1, result.stderr
    rows = runs.rows(out)
    assert [row["file"] for row in rows] == sorted({*map(str, some), *new})
    assert [row["error_code"] for row in rows if "gone" in row["file"]] == ["unreadable_image"]
    by_name = {row["file"]: row for row in rows}
    assert by_name[new[0]] | {"file": ""} == by_name[new[2]] | {"file": ""}
    other = runs.run(film_list, "--out", out, "--operating-point", "screening")
    assert (other.returncode, runs.rows(out)) == (2, rows)
    assert "created with a different operating_point" in other.stderr


POISON = """
import os, sys
sys.addaudithook(lambda event, arguments: event == "open" and "poison" in str(arguments[0]) and os.kill(os.getpid(), 9))
"""


def test_a_film_that_kills_every_worker_ends_no_run(
    write_films: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like a crash in native code: its part is given up, the others are completed, the next run tries again."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(POISON)
    folder = write_films(tmp_path, {"films": [*(f"{number}.png" for number in range(20)), "poison.png"]}) / "films"
    clean = runs.environment()
    with monkeypatch.context() as patched:
        patched.setattr(runs, "environment", lambda: clean | {"PYTHONPATH": f"{runs.ROOT}:{tmp_path / 'site'}"})
        result = runs.run(folder, "--out", tmp_path / "out", "--workers", 2)
    assert (result.returncode, "Traceback" in result.stderr) == (1, False), result.stderr
    assert result.stderr.rstrip().endswith("1 part has no rows yet: run the same command again")
    stderr = {Path(row["file"]).name for row in runs.rows(tmp_path / "out")}
    poisoned = {path.name for path in folder.iterdir()} - stderr
    assert "poison.png" in poisoned and len(stderr) > 10
    assert runs.run(folder, "--out", tmp_path / "out", "--workers", 2).returncode == 0
    assert len(runs.rows(tmp_path / "out")) == 21


STORAGE_WITHOUT_CREDENTIALS_ON_WORKERS = """
import sys
import fsspec
from fsspec.implementations.local import LocalFileSystem

class NoCredentialsError(Exception):
    pass

class Storage(LocalFileSystem):
    protocol = "fake"

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("fake://"))

    def _open(self, path, mode="rb", **options):
        if "default_worker" in sys.argv[0]:
            raise NoCredentialsError("secret")
        return super()._open(path, mode, **options)

fsspec.register_implementation("fake", Storage)
"""


def test_a_worker_without_credentials_ends_the_run_with_one_error(
    write_films: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(STORAGE_WITHOUT_CREDENTIALS_ON_WORKERS)
    folder = write_films(tmp_path, {"films": [f"{number}.png" for number in range(200)]}) / "films"
    film_list, out = tmp_path / "list.parquet", tmp_path / "out"
    pq.write_table(pa.table({"path": [f"fake://{path}" for path in folder.iterdir()]}), film_list)
    clean = runs.environment()
    monkeypatch.setattr(runs, "environment", lambda: clean | {"PYTHONPATH": f"{runs.ROOT}:{tmp_path / 'site'}"})
    result = runs.run(film_list, "--out", out, "--workers", 2)
    assert (result.returncode, result.stderr.count("usage: ")) == (2, 1), result.stderr
    assert result.stderr.splitlines()[-1].startswith("usage: The storage cannot be used: the credentials are missing")
    assert not list(out.rglob("part-*"))


def test_ray_listens_on_this_machine_alone(films: Path, tmp_path: Path) -> None:
    process = runs.start(films, "--out", tmp_path / "out", "--workers", 2)
    runs.wait_for_parts(process, tmp_path / "out", 1)
    addresses = _listening({process.pid, *runs.descendants(process.pid)})
    process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=runs.TIMEOUT_S)[1]
    assert addresses
    assert [address for address in addresses if not _is_loopback(address)] == []
    assert (process.returncode, "Traceback" in stderr) == (1, False), stderr
    assert "run the same command to continue" in stderr


def _listening(pids: set[int]) -> list[str]:
    """The local addresses, as the kernel prints them, on which one of the processes listens."""
    sockets = set()
    for pid in pids:
        with suppress(OSError):  # the process has ended
            for handle in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):  # the file was closed
                    sockets.add(os.readlink(handle))
    addresses = []
    for kind in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                addresses.append(fields[1].partition(":")[0])
    return addresses


def _is_loopback(address: str) -> bool:
    """127.0.0.0/8, also as an IPv6 address; the kernel prints the bytes of each word in reverse order."""
    return (
        address.endswith("7F")
        if len(address) == 8
        else address
        in {
            "0000000000000000FFFF00000100007F",
            "00000000000000000000000001000000",
        }
    )


def test_the_same_rows_as_batch_on_real_films(data: Path, tmp_path: Path) -> None:
    names = [str(path) for path in sorted(data.glob("chest_xray/*/*/*.jpeg"))][::2][:REAL_FILMS]
    assert len(names) == REAL_FILMS
    film_list, out, table = tmp_path / "list.parquet", tmp_path / "out", tmp_path / "results.csv"
    pq.write_table(pa.table({"path": names}), film_list)
    process = runs.start(film_list, "--out", out, "--workers", 2)
    first, _ = runs.wait_for_workers(process, 2)
    runs.wait_for_parts(process, out, 4)
    os.kill(first, signal.SIGKILL)
    assert process.wait(runs.TIMEOUT_S) == 0
    assert process.stderr is not None
    process.stderr.close()
    assert _batch(names, table).returncode == 0
    assert runs.rows(out) == runs.table(table)


def _batch(names: list[str], table: Path) -> subprocess.CompletedProcess[str]:
    return runs.run(*names, "--out", table, subcommand="batch")
