"""A batch with result files is killed again and again: no row and no file is lost, doubled or left behind."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.support.source_films import hospital_film

ROOT = Path(__file__).parents[2]
FILMS, KILLS = 60, 15


@pytest.mark.soak
def test_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    for number in range(FILMS):
        path = tmp_path / "films" / "ab"[number % 2] / f"{number // 2}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(hospital_film(SOPInstanceUID=f"1.2.3.{number}"))
    out = str(tmp_path / "out")
    options = ["--secondary-capture", out, "--dicom-sr", out, "--fhir", out]
    command = [sys.executable, "-m", "pneumonia", "batch", str(tmp_path / "films"), *options]
    command += ["--out", str(tmp_path / "table.csv"), "--resume"]
    durations = random.Random(0)
    kills, code = 0, None
    while code is None:
        run = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            code = run.wait(durations.uniform(1, 5) if kills < KILLS else None)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            kills += 1
    assert code == 0
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    assert len(names) == len(set(names)) == FILMS
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    objects = [str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in files if path.suffix == ".dcm"]
    assert len(files) == 3 * FILMS and len(set(objects)) == len(objects) == 2 * FILMS
