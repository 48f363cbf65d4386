"""Protocol `official` again, for any model on any folder with a test part, beside what the model's card says."""

from __future__ import annotations

import json
from pathlib import Path

from .. import bundle
from ..predictor import Predictor
from . import card, figures, films
from .assess import assess, examine

AGREEMENT = 5e-4
"""The served graph rounds differently from one processor to the next; no figure may move by more than this."""


def reprint(predictor: Predictor, data: Path, out: Path | None = None) -> bool:
    """Print every figure, now and in the card; False where the same films give other figures.

    With `out`, `evaluation.json` and `curves.png` of this evaluation are written there. Raises `DatasetError`.
    """
    test = films.load(data, ("test",))
    print(test.report())
    entry = assess(test, examine(predictor, test), predictor.operating_points)
    name = f"{predictor.bundle.config['recipe']}/official"
    said = predictor.bundle.evaluation["runs"].get(name)
    same_films = said is not None and said["fingerprint"] == entry["fingerprint"]
    agrees = True
    print(f"{'':>22}  {'now':<28} {'the card' if same_films else 'the card (other films)'}")
    for figure, value in entry["figures"].items():
        before = said["figures"][figure] if said else None
        agrees &= not same_films or abs(value["value"] - before["value"]) <= AGREEMENT
        print(f"{figure:>22}  {card.shown(figure, value):<28} {card.shown(figure, before) if before else '-'}")
    for point, values in entry["operating_points"].items():
        print(f"{point:>22}  " + "  ".join(f"{figure} {card.percent(value)}" for figure, value in values.items()))
    if out is not None:
        bundle.write(out / bundle.EVALUATION, (json.dumps({"format": 1, "runs": {name: entry}}, indent=1)).encode())
        bundle.write(out / "curves.png", figures.curves(entry))
    if not agrees:
        print("The figures differ from the card's on the very same films: do not trust this installation.")
    return agrees
