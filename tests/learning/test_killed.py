"""A training that is killed repeatedly, and two trainings in one folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumonia import files
from pneumonia.errors import Busy, UsageError

WriteFilms = Callable[[Path, dict[str, list[str]]], Path]
ROOT = Path(__file__).parents[2]

HOLD_LOCK = """
import sys
from pathlib import Path
from pneumonia import files

with files.exclusive_lock(Path(sys.argv[1]) / ".in-use", "in use"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow  # TensorFlow and five trainings
def test_kills_change_neither_the_weights_nor_the_schedule(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.learning.kill_and_resume", str(tmp_path), "5"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.splitlines()[-1].startswith("5 kills")
    with np.load(tmp_path / "uninterrupted" / "result.npz") as expected:
        for path in tmp_path.glob("killed*/result.npz"):
            with np.load(path) as resumed:
                assert resumed.files == expected.files
                for name in expected.files:
                    np.testing.assert_array_equal(resumed[name], expected[name], err_msg=f"{path.parent.name}: {name}")
    assert not list(tmp_path.rglob("partial*")), "a partially written file of a killed process was left behind"


def lock_in_other_process(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD_LOCK, str(folder)]
    holder = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    return holder


def test_a_folder_is_locked_by_one_process_and_a_kill_releases_it(tmp_path: Path) -> None:
    holder = lock_in_other_process(tmp_path / "run")
    with (
        pytest.raises(Busy, match="in use"),
        files.exclusive_lock(tmp_path / "run" / ".in-use", "in use"),
    ):
        pass
    holder.kill()
    holder.communicate()
    with files.exclusive_lock(tmp_path / "run" / ".in-use", "in use"):
        pass
    assert not list((tmp_path / "run").iterdir())


def test_a_folder_that_cannot_be_created_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UsageError, match="The folder cannot be written"),
        files.exclusive_lock(tmp_path / "file" / "run" / ".in-use", "in use"),
    ):
        pass


@pytest.mark.slow  # TensorFlow
def test_a_second_training_in_a_folder_ends_with_a_message(tmp_path: Path, write_films: WriteFilms) -> None:
    """It ends before it trains, and writes nothing into the folder."""
    pneumonia, normal = "person{0}_bacteria_{0}.jpeg", "IM-{0:04d}-0001.jpeg"
    names = {
        f"{part}/{label}": [name.format(start + number) for number in range(8)]
        for start, part in ((0, "train"), (100, "val"), (200, "test"))
        for label, name in (("NORMAL", normal), ("PNEUMONIA", pneumonia))
    }
    films = write_films(tmp_path / "films", names)
    holder = lock_in_other_process(tmp_path / "run")
    command = [sys.executable, "train.py", "--data", str(films), "--recipe", "seed", "--epochs", "1"]
    result = subprocess.run([*command, "--out", str(tmp_path / "run")], cwd=ROOT, capture_output=True, text=True)
    holder.communicate("")
    assert (result.returncode, "Traceback" in result.stderr) == (2, False), result.stderr
    assert "busy: Another process writes into" in result.stderr
    assert not list((tmp_path / "run").iterdir())
