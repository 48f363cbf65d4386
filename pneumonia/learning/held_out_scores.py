"""Scores of films that a network was not trained on, written by `train.py --validate` and read for the calibration.

The validation films of the served network are framed and exposed like its training films, so a calibration on them is
too confident for another hospital. A held-out block of collection order (`--split order5`) resembles another hospital
more closely.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..evaluation.metrics import Floats, Labels
from .json_file import write_json

FILE = "held_out_scores.json"


@dataclass(frozen=True)
class HeldOutScores:
    """Labels `[N]` and uncalibrated scores `[N]` of held-out films, with the names of the runs that scored them."""

    labels: Labels
    scores: Floats
    runs: tuple[str, ...]


def write_held_out_scores(folder: Path, labels: Labels, scores: Floats) -> None:
    """Write the scores of a run's unperturbed validation films to its folder."""
    rounded = [round(float(score), 6) for score in scores]
    write_json(folder / FILE, {"labels": labels.tolist(), "scores": rounded})


def read_held_out_scores(folders: Sequence[Path]) -> HeldOutScores | None:
    """The scores of all runs together; None for no folder. Raises `UsageError` if a folder has no valid scores."""
    if not folders:
        return None
    contents = [_read(folder) for folder in folders]
    labels, scores = (np.concatenate(parts) for parts in zip(*contents, strict=True))
    return HeldOutScores(labels, scores, tuple("/".join(folder.parts[-2:]) for folder in folders))


def _read(folder: Path) -> tuple[Labels, Floats]:
    try:
        content = json.loads((folder / FILE).read_bytes())
        labels, scores = np.asarray(content["labels"], np.int64), np.asarray(content["scores"], np.float64)
    except (OSError, ValueError, KeyError, TypeError):
        labels, scores = np.zeros(0, np.int64), np.zeros(1)
    if len(labels) != len(scores) or set(labels.tolist()) != {0, 1}:
        raise UsageError(f"Invalid run to calibrate on. Allowed: folders of train.py --validate. Received: {folder}.")
    return labels, scores
