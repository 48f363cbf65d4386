"""The archive without Ray: names, storage, and the rows of a part. For Ray itself see `test_ray_runs.py`."""

from __future__ import annotations

import io
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pneumonia import cli
from pneumonia.archive import film_names, parts, run, storage
from pneumonia.archive.storage import ResultFolder
from pneumonia.batch import rows
from pneumonia.batch.rows import COLUMNS
from pneumonia.errors import Busy, DiskFull, TooLarge, UnreadableImage, UsageError
from tests.support.wrong_options import WRONG_OPTIONS


def list_names(*paths: object, exclude: frozenset[Path] = frozenset()) -> list[str]:
    return [os.fsdecode(name) for name in film_names.list_names(map(str, paths), set(exclude)).to_pylist()]


def test_the_part_of_a_name_never_changes() -> None:
    """With another hash, a finished archive would be processed again and its rows duplicated."""
    assert [film_names.partition_of(name.encode(), 1000) for name in ("a.png", "s3://b/c.dcm", "\u00e4")] == [
        982,
        587,
        529,
    ]


def test_every_name_is_in_one_part_once() -> None:
    all_names = [f"film-{number}".encode() for number in range(5000)]
    chunks = pa.chunked_array(
        [pa.array(all_names[:3000]), pa.array([*all_names[3000:], *all_names[:100]]), pa.array([], pa.binary())]
    )
    names_by_part = dict(film_names.partition_names(chunks, 64))
    assert sorted(itertools.chain(*names_by_part.values())) == sorted(all_names)
    assert all(film_names.partition_of(name, 64) == part for part, films in names_by_part.items() for name in films)
    assert max(map(len, names_by_part.values())) < 3 * 5000 / 64


def test_folders_patterns_and_lists_of_this_machine(tmp_path: Path) -> None:
    for name in ("films/b.png", "films/sub/a.png", "films/.hidden.png", "films/x.zip", "films/rows/part-1.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"PK")
    out = tmp_path / "films" / "rows"
    films = [f"{tmp_path}/films/{name}" for name in ("b.png", "sub/a.png", "x.zip")]
    assert list_names(tmp_path / "films", exclude=frozenset({out})) == films
    assert list_names(f"{tmp_path}/films/*.png") == films[:1]
    assert list_names(tmp_path / "gone.png") == [f"{tmp_path}/gone.png"]
    for number, column in enumerate(("path", "file")):
        pq.write_table(pa.table({"id": [1, 2], column: [f"s3://b/{number}", None]}), tmp_path / f"{number}.parquet")
    assert list_names(f"{tmp_path}/?.parquet"[: -len("?.parquet")] + "0.parquet") == ["s3://b/0"]
    assert list_names(tmp_path / "1.parquet", tmp_path / "0.parquet") == ["s3://b/1", "s3://b/0"]


def test_names_of_a_result_table_are_those_of_the_files(tmp_path: Path) -> None:
    """Its cells are escaped for spreadsheets; a list of another program is not."""
    names = ["=1.png", "'a.png", "bad\udcff.png"]
    table = {column: ["" if column != "file" else rows.escape_formula(name) for name in names] for column in COLUMNS}
    pq.write_table(pa.table(table), tmp_path / "results.parquet")
    assert list_names(tmp_path / "results.parquet") == names
    pq.write_table(pa.table({"file": ["'a.png"]}), tmp_path / "list.parquet")
    assert list_names(tmp_path / "list.parquet") == ["'a.png"]


def test_several_lists_by_a_pattern(tmp_path: Path) -> None:
    for number in range(3):
        pq.write_table(pa.table({"path": [f"gs://b/{number}"]}), tmp_path / f"{number}.parquet")
    assert list_names(tmp_path / "*.parquet") == ["gs://b/0", "gs://b/1", "gs://b/2"]


def test_a_name_that_is_no_text_is_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.png")
    (tmp_path / name).write_bytes(b"x")
    assert list_names(tmp_path) == [f"{tmp_path}/{name}"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: it does not exist"),
        (b"PAR1 no", "not a complete Parquet file"),
        (pa.table({"films": ["a"]}), "Allowed: path, or file. Received: films."),
    ],
)
def test_an_invalid_list_is_refused(tmp_path: Path, content: bytes | pa.Table | None, message: str) -> None:
    path = tmp_path / "list.parquet"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        pq.write_table(content, path)
    with pytest.raises(UsageError, match=message):
        list_names(path)


def test_objects_are_named_by_their_address(memory: Any) -> None:
    for path in ("/films/b.png", "/films/sub/a.png", "/films/.hidden/c.png"):
        memory.pipe_file(path, b"x")
    assert list_names("memory://films/") == ["memory://films/b.png", "memory://films/sub/a.png"]
    assert list_names("memory://films/b.png", "memory://gone.png") == ["memory://films/b.png", "memory://gone.png"]
    assert list_names("memory://films/*.png") == ["memory:///films/b.png"]


def test_an_unknown_storage_protocol_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="Received: tape://"):
        list_names("tape://films")


def test_an_object_is_read_completely_up_to_the_limit(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe_file("/film", b"x" * 2_500_000)
    assert len(storage.fetch_object("memory://film")) == 2_500_000
    monkeypatch.setenv("PNEUMONIA_MAX_FILE_MB", "1")
    assert len(storage.fetch_object("memory://film")) == 1_000_001
    with pytest.raises(UnreadableImage, match="no such object"):
        storage.fetch_object("memory://gone")


def test_a_failing_storage_is_retried_and_then_reported(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened_paths = []

    class Failing:
        def open(self, path: str, mode: str) -> io.BytesIO:
            opened_paths.append(path)
            if len(opened_paths) % 4:
                raise TimeoutError("of storage, with a secret")
            return io.BytesIO(b"film")

    monkeypatch.setattr(storage, "filesystem", lambda name: (Failing(), name))
    monkeypatch.setattr(storage, "RETRY_DELAY_S", 0)
    with pytest.raises(Busy, match=r"\(TimeoutError\)\. Run the same command again"):
        storage.fetch_object("x://film")
    assert len(opened_paths) == storage.FETCH_ATTEMPTS
    assert storage.fetch_object("x://film") == b"film"


def test_films_are_read_in_order_with_a_limited_read_ahead(memory: Any) -> None:
    for number in range(50):
        memory.pipe_file(f"/{number}", str(number).encode())
    requested_names = 0

    def names() -> Iterator[str]:
        nonlocal requested_names
        for number in range(50):
            requested_names += 1
            yield "local.png" if number == 3 else f"memory://{number}"

    films = storage.open_films(names())
    first = next(films)
    assert requested_names <= storage.MAX_CONCURRENT_FETCHES + 1
    message = [film.source() if callable(film.source) else film.source for film in (first, *films)]
    assert message == [Path("local.png") if number == 3 else str(number).encode() for number in range(50)]


@pytest.mark.parametrize("address", ["memory://out", "local"])
def test_a_result_file_is_replaced_atomically(memory: Any, tmp_path: Path, address: str) -> None:
    folder = ResultFolder(str(tmp_path / "out") if address == "local" else address)
    assert folder.read("rows/a") is None
    folder.write("rows/a", b"1")
    folder.write("rows/a", b"22")
    assert folder.read("rows/a") == b"22"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == (["a"] if address == "local" else [])


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ResultFolder(str(tmp_path))
    folder.write("a", b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        folder.write("a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_only_one_run_at_a_time_writes_an_archive(tmp_path: Path) -> None:
    folder = ResultFolder(str(tmp_path / "out"))
    with parts.exclusive_archive(folder), pytest.raises(Busy), parts.exclusive_archive(folder):
        pass
    with parts.exclusive_archive(folder):
        pass
    assert list((tmp_path / "out").iterdir()) == []


def test_an_error_for_a_user_is_found_in_what_ray_wraps() -> None:
    inner = TooLarge("too large")
    wrapped = RuntimeError("of Ray")
    wrapped.__cause__ = ValueError("of Ray, too")
    wrapped.__cause__.cause = inner  # type: ignore[attr-defined]
    assert run._public_error(wrapped) is inner
    assert run._public_error(RuntimeError("with a path")).code == "internal"


def test_without_ray_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("pneumonia.archive")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(sys.modules["pneumonia"], "archive")
    monkeypatch.setitem(sys.modules, "ray", None)
    assert cli.main(["archive", "films", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == (
        "The archive command needs ray: install the extra `archive`, in a checkout: "
        "pip install -r requirements-archive.txt\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("arguments", "message"), WRONG_OPTIONS)
def test_wrong_usage_leaves_nothing(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["archive", str(tmp_path), "--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert cli.main(["archive", str(tmp_path / "empty"), "--out", str(tmp_path / "out")]) == 2
    assert "No films found" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
