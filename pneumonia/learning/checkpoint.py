"""Checkpoints of a training run: one `.npz` file per network with all variables, training history, recipe and seed."""

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
    """Write Keras variables and history atomically. If it raises `DiskFull`, the previous checkpoint is unchanged."""
    metadata = json.dumps({"recipe": repr(recipe), "seed": seed, "history": history})
    arrays: dict[str, Any] = {f"variable_{index}": np.asarray(variable) for index, variable in enumerate(variables)}
    with atomic_path(path) as partial:
        np.savez(partial, note=np.array(metadata), **arrays)


def restore_checkpoint(path: Path, variables: Sequence[Any], recipe: Recipe, seed: int) -> History:
    """Assign the values of a checkpoint to `variables`; returns its history, which is empty without a checkpoint.

    Raises `UsageError` if the checkpoint was written with another recipe or seed.
    """
    if not path.exists():
        return []
    with np.load(path, allow_pickle=False) as checkpoint:
        metadata = json.loads(str(checkpoint["note"]))
        if (metadata["recipe"], metadata["seed"]) != (repr(recipe), seed):
            raise UsageError(
                "The checkpoint was written with another recipe or seed. Allowed: a run without --resume, or another "
                f"--out. Received: {path}."
            )
        for index, variable in enumerate(variables):
            variable.assign(checkpoint[f"variable_{index}"])
    history: History = metadata["history"]
    return history
