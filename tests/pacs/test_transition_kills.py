"""Kills at the transitions of the queue of the whole service. docs/reliability.md has the figures of all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")

from benchmarks import pacs_transitions  # noqa: E402

from ..support.dicom_programs import find_program  # noqa: E402
from ..support.systems import linux  # noqa: E402


def check(folder: Path, only: str) -> dict[str, pacs_transitions.Row]:
    find_program("storescp")
    rows = pacs_transitions.run(folder, only)
    assert {name: (row.lost, row.doubled, row.left) for name, row in rows.items()} == dict.fromkeys(rows, (0, 0, 0))
    planned = {name: row for name, row in rows.items() if only in name}
    assert planned and all(row.kills["before all"] and row.kills["after all"] for row in planned.values())
    return rows


@pytest.mark.slow
@linux
def test_a_kill_before_and_after_the_commit_of_a_film_loses_nothing(tmp_path: Path) -> None:
    check(tmp_path, "commit: insert instance")


@pytest.mark.soak
@linux
def test_a_kill_before_and_after_each_transition_loses_nothing(tmp_path: Path) -> None:
    rows = check(tmp_path, "")
    of_worker = [row for name, row in rows.items() if name.startswith(pacs_transitions.WORKER)]
    assert len(of_worker) >= 4 and all(row.kills["before one"] and row.kills["after one"] for row in of_worker)
