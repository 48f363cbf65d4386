"""Checkpoints of a training: one `.npz` per network with all variables, the training history and the recipe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError
from ..files import atomic_path
from .recipe import Recipe

History = list[dict[str, float]]
"""One row of metrics per epoch."""

CHECKPOINT = "checkpoint.npz"


def save_checkpoint(path: Path, variables: Sequence[Any], history: History, recipe: Recipe, seed: int) -> None:
    """Write Keras variables and history atomically; raises `DiskFull` and leaves the previous checkpoint unchanged."""
    note = json.dumps({"recipe": repr(recipe), "seed": seed, "history": history})
    arrays: dict[str, Any] = {f"variable_{index}": np.asarray(variable) for index, variable in enumerate(variables)}
    with atomic_path(path) as partial:
        np.savez(partial, note=np.array(note), **arrays)


def restore_checkpoint(path: Path, variables: Sequence[Any], recipe: Recipe, seed: int) -> History:
    """Assign the values of a checkpoint to `variables`; returns its history, empty if there is no checkpoint.

    Raises `UsageError` if the checkpoint was written with another recipe or seed.
    """
    if not path.exists():
        return []
    with np.load(path, allow_pickle=False) as checkpoint:
        note = json.loads(str(checkpoint["note"]))
        if (note["recipe"], note["seed"]) != (repr(recipe), seed):
            raise UsageError(
                "The checkpoint was written with another recipe or seed. Allowed: a run without --resume, or another "
                f"--out. Received: {path}."
            )
        for index, variable in enumerate(variables):
            variable.assign(checkpoint[f"variable_{index}"])
    history: History = note["history"]
    return history
