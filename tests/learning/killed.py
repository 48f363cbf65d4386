"""`python -m tests.learning.killed FOLDER KILLS`: a training undisturbed, and another one killed again and again.

TensorFlow takes ten seconds to import. It is imported once, and each training is a fork of this process, which itself
never computes anything: TensorFlow starts its threads with the first operation.
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

# One thread, so that sums come in one order and weights can be compared to the last bit.
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

import numpy as np

from pneumonia.learning import recipe, training
from pneumonia.learning.recipe import Convolution, Recipe

CHECKPOINTS = "member*/checkpoint.npz"


def small() -> Recipe:
    """The default recipe with few filters: two networks of four epochs."""
    convolutions = (Convolution(4, 5), Convolution(6, 3), Convolution(8, 3))
    default = recipe.get("default")
    return dataclasses.replace(default, convolutions=convolutions, dense=8, epochs=4, batch=8, members=2)


def train(folder: Path) -> None:
    """One training, in this process, resumed where there is something to resume; its weights and history are kept."""
    chance = np.random.default_rng(0)
    labels = np.arange(48) % 2
    films = chance.integers(80, 120, (48, 150, 150)).astype(np.uint8), labels
    network, history = training.train_ensemble(small(), films, films, folder, seed=7, resume=True, quiet=True)
    schedule = [[row["member"], row["epoch"], row["loss"], row["validation_loss"]] for row in history]
    weights: dict[str, Any] = {f"weight_{place}": np.asarray(weight) for place, weight in enumerate(network.weights)}
    np.savez(folder / "partial.npz", schedule=np.array(schedule), **weights)
    (folder / "partial.npz").replace(folder / "result.npz")


def forked(work: Callable[[], None]) -> int:
    """The id of a process that does `work` and ends."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def main(folder: Path, kills: int) -> int:
    """How many kills hit a training in its work."""
    started = time.monotonic()
    _, status = os.waitpid(forked(lambda: train(folder / "whole")), 0)
    lasted = time.monotonic() - started
    assert status == 0, "the undisturbed training failed"
    chance, hit, round_ = random.Random(kills), 0, 0
    while hit < kills:
        disturbed = folder / f"killed{round_}"
        round_ += 1
        while hit < kills and not (disturbed / "result.npz").exists():
            child = forked(lambda folder=disturbed: train(folder))  # type: ignore[misc]
            time.sleep(chance.random() * lasted * 0.8)
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            hit += os.WIFSIGNALED(status)
        if not (disturbed / "result.npz").exists():
            _, status = os.waitpid(forked(lambda folder=disturbed: train(folder)), 0)  # type: ignore[misc]
            assert status == 0, "the training after the last kill failed"
    print(f"{hit} kills, {round_} trainings, {lasted:.1f} s each undisturbed")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
