"""Parts of an archive without Ray: the rows of one part, and what is done with parts that exist."""

from __future__ import annotations

import io
import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pneumonia import Predictor
from pneumonia.archive import parts, run, storage
from pneumonia.archive.parts import Parts
from pneumonia.archive.storage import ResultFolder
from pneumonia.batch import rows
from pneumonia.batch.rows import TableOptions
from pneumonia.errors import EmptyFile, UsageError

Grey = npt.NDArray[np.uint8]


@pytest.fixture
def options(predictor: Predictor) -> TableOptions:
    return TableOptions(predictor.models[0].identity, "balanced")


@pytest.fixture
def new_worker(
    predictor: Predictor, options: TableOptions, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], run.ArchiveWorker]:
    """Creates a worker in this process as Ray does; `ray.get` returns its argument."""
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(get=lambda reference: reference))
    references: list[Any] = [[predictor.models[0].bundle]]
    return lambda address: run.ArchiveWorker(references, options, Parts(ResultFolder(address), 32))


def predict_part(worker: run.ArchiveWorker, names: list[str], part: int = 7) -> dict[str, int]:
    block = pa.table({"part": [part], "names": [[os.fsencode(name) for name in names]]})
    counts: dict[str, int] = json.loads(worker(block)["counts"][0].as_py())
    return counts


def test_a_part_has_the_rows_of_batch(
    memory: Any,
    new_worker: Callable[[str], run.ArchiveWorker],
    write_films: Callable[..., Path],
    tmp_path: Path,
) -> None:
    folder = write_films(tmp_path, {"films": ["a.png", "b.png"]}) / "films"
    memory.pipe_file("/c.png", (folder / "a.png").read_bytes())
    memory.pipe_file("/empty.png", b"")
    names = [str(folder / "a.png"), "memory://c.png", str(folder / "gone.png"), "memory://empty.png", "memory://gone"]
    assert predict_part(new_worker("memory://out"), names) == {"Normal": 2, "failed": 3}
    table = pq.read_table(io.BytesIO(memory.cat_file("/out/rows/part-07.parquet")))
    assert tuple(table.schema.names) == rows.COLUMNS
    assert {name for name in rows.COLUMNS if table.schema.field(name).type == pa.float64()} == rows.NUMERIC_COLUMNS
    row_of = {row["file"]: row for row in table.to_pylist()}
    assert list(row_of) == names
    assert row_of[names[0]] | {"file": None} == row_of[names[1]] | {"file": None}
    codes = ["unreadable_image", EmptyFile.code, "unreadable_image"]
    assert [row_of[name]["error_code"] for name in names[2:]] == codes


def test_a_finished_part_is_not_written_again(
    new_worker: Callable[[str], run.ArchiveWorker], write_films: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_films(tmp_path, {"films": ["a.png", "b.png"]}) / "films"
    (folder / "=c.png").write_bytes(b"broken")
    names = [str(path) for path in sorted(folder.iterdir())]
    worker = new_worker(str(tmp_path / "out"))
    file = tmp_path / "out" / "rows" / "part-07.parquet"
    assert predict_part(worker, names[:2]) == {"failed": 1, "Normal": 1}
    before = file.stat().st_ino
    assert predict_part(worker, names[:2]) == {"failed": 1, "Normal": 1}
    assert file.stat().st_ino == before
    assert predict_part(worker, names) == {"failed": 1, "Normal": 2}
    assert pq.read_table(file)["file"].to_pylist() == names


def test_transient_errors_are_retried(
    memory: Any,
    new_worker: Callable[[str], run.ArchiveWorker],
    normal_film: Grey,
    encode: Callable[..., bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory.pipe_file("/a.png", encode(normal_film, "PNG"))
    monkeypatch.setattr(storage, "RETRY_DELAY_S", 0)
    with monkeypatch.context() as patched:
        patched.setattr(type(memory), "open", lambda *_: (_ for _ in ()).throw(ConnectionError()))
        assert predict_part(new_worker(str(tmp_path)), ["memory://a.png"]) == {"failed": 1}
    assert predict_part(new_worker(str(tmp_path)), ["memory://a.png"]) == {"Normal": 1}
    assert pq.read_table(tmp_path / "rows" / "part-07.parquet").num_rows == 1


def test_a_part_that_was_changed_is_not_overwritten(
    new_worker: Callable[[str], run.ArchiveWorker], tmp_path: Path
) -> None:
    file = tmp_path / "rows" / "part-07.parquet"
    file.parent.mkdir()
    for content in (b"partial", None):
        if content is None:
            pq.write_table(pa.table({"other": [1]}), file)
        else:
            file.write_bytes(content)
        with pytest.raises(UsageError, match="part-07.parquet is not a part"):
            predict_part(new_worker(str(tmp_path)), ["a.png"])


def test_an_archive_keeps_its_parts_and_its_options(
    predictor: Predictor, options: TableOptions, tmp_path: Path
) -> None:
    folder = ResultFolder(str(tmp_path))
    assert parts.open_parts(folder, options, 10).count == parts.MIN_PARTS
    assert parts.open_parts(folder, options, 10_000_000).count == parts.MIN_PARTS
    assert parts.open_parts(ResultFolder(str(tmp_path / "large")), options, 10_000_000).count == 10_000
    with pytest.raises(UsageError, match="a different prevalence. Allowed: none, or another --out. Received: 0.1"):
        parts.open_parts(folder, TableOptions(predictor.models[0].identity, "balanced", 0.1), 10)
    (tmp_path / parts.HEADER_FILE).write_text("{}")
    with pytest.raises(UsageError, match="not from this version"):
        parts.open_parts(folder, options, 10)
