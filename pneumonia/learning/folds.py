"""Five-fold cross-validation: one bundle per fold, and a summary over the folds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from ..evaluation.assess import out_of_fold
from ..evaluation.number_format import format_metric
from ..evaluation.protocols import Split
from ..inference import bundle
from .json_file import write_json
from .run_films import RunFilms
from .split_run import run_split
from .train_args import TrainArgs

Probability = npt.NDArray[np.float64]
FoldResult = tuple[dict[str, Any], Probability]
"""(entry of the fold in `evaluation.json`, P(pneumonia) of its test films)."""


def run_folds(args: TrainArgs, films: RunFilms, folds: Sequence[Split]) -> None:
    """Train and evaluate the fold of `--fold`; without it, all folds, and write their summary to `evaluation.json`."""
    if args.fold is not None:
        _run_fold(args, films, folds[args.fold])
        return
    results = [_run_fold(args, films, split) for split in folds]
    _write_summary(args, films, folds, results)


def _run_fold(args: TrainArgs, films: RunFilms, split: Split) -> FoldResult:
    """Run one fold. With `--resume`, the result of a completed fold is read from its folder instead."""
    out = args.out / f"fold{split.fold}"
    path = out / "training" / "fold.json"
    if not (args.resume and path.exists()):
        entry, scores = run_split(args, films, split, out)
        write_json(path, {"entry": entry, "probability": scores.probability.tolist()})
    result = json.loads(path.read_bytes())
    return result["entry"], np.array(result["probability"])


def _write_summary(args: TrainArgs, films: RunFilms, folds: Sequence[Split], results: Sequence[FoldResult]) -> None:
    summary = _mean_over_folds([entry for entry, _ in results])
    probability, prevalence = np.empty(len(films.films.films)), np.empty(len(films.films.films))
    for split, (_, fold_probability) in zip(folds, results, strict=True):
        config, _ = bundle.read_config(args.out / f"fold{split.fold}")
        probability[split.test], prevalence[split.test] = fold_probability, config["calibration"]["prevalence"]
    summary["out_of_fold"] = out_of_fold(films.films, probability, prevalence)
    print(f"{'ECE out of fold':>24}  {format_metric('ece', summary['out_of_fold']['figures']['ece'])}")
    write_json(args.out / bundle.EVALUATION, {"format": 1, "runs": {f"{args.recipe.name}/folds5": summary}})


def _mean_over_folds(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean of each metric over the five folds with its 95 % confidence interval (Student's t)."""
    metrics = {}
    for name in entries[0]["figures"]:
        metrics[name] = _mean_with_interval(np.array([entry["figures"][name]["value"] for entry in entries]))
        print(f"{name:>24}  {format_metric(name, metrics[name])}")
    return {"recipe": entries[0]["recipe"], "protocol": "folds5", "figures": metrics, "folds": list(entries)}


def _mean_with_interval(values: Probability) -> dict[str, float | None]:
    mean = float(values.mean())
    half_width = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return {"value": round(mean, 5), "low": round(mean - half_width, 5), "high": round(mean + half_width, 5)}
