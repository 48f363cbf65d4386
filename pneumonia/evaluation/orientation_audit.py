"""Orientation audit: what gate and network answer if validation films are mirrored or rotated.

python -m pneumonia.evaluation.orientation_audit --data DIR [--model M]

`inference.reading` rests on two of its figures. Normal never becomes Pneumonia, or the reverse, if a film is mirrored,
so its pixels may stay as they are. The gate refuses a rotated film, so a film that it accepts is upright, whatever a
header says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..command_line import entry_point
from ..inference.decision import DEFAULT_POINT
from ..inference.model import Model
from ..inference.predictor import load_predictor
from . import metrics
from .answer_changes import answers, compare_answers, decisions_at_threshold, loss, share_of
from .assess import score_films
from .audit_films import AuditFilms, Films, load_audit_films, with_inputs
from .number_format import percent
from .table import Table

ORIENTATIONS: dict[str, Callable[[Films], npt.NDArray[np.uint8]]] = {
    "mirrored": lambda films: films[:, :, ::-1],
    "rotated by 90 degrees, anticlockwise": lambda films: np.rot90(films, 1, axes=(1, 2)),
    "rotated by 180 degrees": lambda films: np.rot90(films, 2, axes=(1, 2)),
    "rotated by 90 degrees, clockwise": lambda films: np.rot90(films, 3, axes=(1, 2)),
}
"""Name -> films `[N, H, W]` in another orientation. The model input is square, so its pixels are exactly moved."""


def orientation_audit(model: Model, films: AuditFilms, *, quiet: bool = False) -> dict[str, dict[str, Any]]:
    """Results by orientation, and those of the films as they are (`upright`, only `refused`).

    `refused`: share that the gate refuses. Of the films that it accepts in both orientations: their number `count`;
    `same`, share of unchanged answers at the default operating point; `missed` and `raised`, counts of changes from
    Pneumonia to Normal and the reverse; `difference`, median and 95 % quantile of the absolute difference of
    P(pneumonia). `lost` is the AUROC of the network lost over all films, without the gate.
    """
    point = model.operating_points[DEFAULT_POINT]
    before = score_films(model, films.films, title="upright", quiet=quiet)
    rows: dict[str, dict[str, Any]] = {"upright": {"refused": share_of(before.refused, films.weights)}}
    for name, turn in ORIENTATIONS.items():
        turned = with_inputs(films.films, np.ascontiguousarray(turn(films.inputs)))
        after = score_films(model, turned, title=name, quiet=quiet)
        accepted = ~(before.refused | after.refused)
        first, second = before.probability[accepted], after.probability[accepted]
        row: dict[str, Any] = {"refused": share_of(after.refused, films.weights), "count": int(accepted.sum())}
        if accepted.any():
            row |= compare_answers(answers(first, point), answers(second, point), films.weights[:, accepted])
            row["difference"] = np.quantile(np.abs(first - second), (0.5, 0.95)).round(4).tolist()
        upright, other = (decisions_at_threshold(films.labels, scores.probability, point) for scores in (before, after))
        rows[name] = row | {"lost": loss(metrics.auroc, upright, other, films.weights)}
    return rows


def table(rows: dict[str, dict[str, Any]]) -> Table:
    """The results as a table."""
    changes = ("same answer", "missed", "raised", "difference of P", "AUROC lost")
    columns = ("film", "refused", "accepted in both", *changes)
    return Table("Answers to mirrored and rotated films", columns, [_cells(name, row) for name, row in rows.items()])


def _cells(name: str, row: dict[str, Any]) -> list[str]:
    cells = [name, percent(row["refused"]), str(row.get("count", ""))]
    if "same" not in row:
        return [*cells, "", "", "", "", ""]
    median, high = row["difference"]
    changes = [percent(row["same"]), str(row["missed"]), str(row["raised"]), f"{median:.3f} (95 %: {high:.3f})"]
    return [*cells, *changes, f"{row['lost']['value']:.4f}"]


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Audit each model on the validation films of its population; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.orientation_audit", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with chest_xray, adults")
    parser.add_argument("--model", metavar="M", help="model bundles; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    for model in load_predictor(options.model).models:
        films = load_audit_films(options.data, model.population)
        print(f"## {model.population.name}: {len(films.labels)} films of the {films.part} part\n")
        print(table(orientation_audit(model, films)).to_markdown() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
