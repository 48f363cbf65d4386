"""`python -m tests.learning.kill_and_resume FOLDER KILLS`: one uninterrupted training, and others killed repeatedly.

TensorFlow takes ten seconds to import. It is imported once, and each training is a fork of this process. The parent
process never runs a TensorFlow operation, because TensorFlow starts its threads with the first one.
"""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# One thread, so that the order of additions is fixed and weights can be compared to the last bit.
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

import numpy as np

from pneumonia.learning import recipe, training
from pneumonia.learning.recipe import Convolution, Recipe
from pneumonia.learning.training_films import TrainingFilms


def small() -> Recipe:
    """The recipe `flat` with fewer filters: two networks, four epochs."""
    convolutions = (Convolution(4, 5), Convolution(6, 3), Convolution(8, 3))
    return dataclasses.replace(recipe.get("flat"), convolutions=convolutions, dense=8, epochs=4, batch=8, members=2)


def train(folder: Path) -> None:
    """Train in this process, from the last checkpoint if there is one; writes weights and history to `result.npz`."""
    generator = np.random.default_rng(0)
    labels = np.arange(48) % 2
    films = generator.integers(80, 120, (48, 150, 150)).astype(np.uint8), labels
    training_films = TrainingFilms.without_masks(*films)
    network, history = training.train_ensemble(small(), training_films, films, folder, seed=7, resume=True, quiet=True)
    schedule = [[row["member"], row["epoch"], row["loss"], row["validation_loss"]] for row in history]
    weights: dict[str, Any] = {f"weight_{index}": np.asarray(weight) for index, weight in enumerate(network.weights)}
    np.savez(folder / "partial.npz", schedule=np.array(schedule), **weights)
    (folder / "partial.npz").replace(folder / "result.npz")


def fork(task: Callable[[], None]) -> int:
    """Run `task` in a child process that then exits; returns its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        task()
        status = 0
    finally:
        os._exit(status)


def main(folder: Path, kills: int) -> int:
    """Train once without interruption, then kill trainings at random times until `kills` of them were still running."""
    started = time.monotonic()
    _, status = os.waitpid(fork(lambda: train(folder / "uninterrupted")), 0)
    duration = time.monotonic() - started
    assert status == 0, "the uninterrupted training failed"
    generator, kill_count, run_count = random.Random(kills), 0, 0
    while kill_count < kills:
        run_folder = folder / f"killed{run_count}"
        run_count += 1
        while kill_count < kills and not (run_folder / "result.npz").exists():
            child = fork(lambda folder=run_folder: train(folder))  # type: ignore[misc]
            time.sleep(generator.random() * duration * 0.8)
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            kill_count += os.WIFSIGNALED(status)
        if not (run_folder / "result.npz").exists():
            _, status = os.waitpid(fork(lambda folder=run_folder: train(folder)), 0)  # type: ignore[misc]
            assert status == 0, "the training after the last kill failed"
    print(f"{kill_count} kills, {run_count} trainings, {duration:.1f} s each without interruption")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
