"""Kills of the service and of its destination. The figures of docs/reliability.md are those of 200 kills."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")

from benchmarks import pacs_kills  # noqa: E402

from ..support.dicom_programs import find_program  # noqa: E402
from ..support.systems import linux  # noqa: E402


def check(folder: Path, kills: int) -> None:
    find_program("storescp")
    outcome = pacs_kills.run(folder, kills)
    assert sum(outcome.kills.values()) == kills and outcome.acknowledged
    assert (outcome.lost, outcome.doubled, outcome.left_files, outcome.exits) == ([], [], [], 0)


@pytest.mark.slow
@linux
def test_four_kills_lose_no_result_and_double_none(tmp_path: Path) -> None:
    check(tmp_path, 4)


@pytest.mark.soak
@linux
def test_200_kills_lose_no_result_and_double_none(tmp_path: Path) -> None:
    check(tmp_path, 200)
