"""Card sections on films of the data set: metrics, operating points, calibration, validation, training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...inference.decision import DEFAULT_POINT
from .. import population_tables, tables
from ..number_format import METRIC_NAMES, decimal, percent, share
from ..operating_points import ANSWERED_ERROR, CONFIRM_SPECIFICITY, MAX_UNDECIDED, SCREENING_SENSITIVITY
from ..table import Table

Run = Mapping[str, Any]

ORIGINAL_METRICS = {"accuracy": 0.96, "precision": 0.95, "sensitivity": 0.97, "f1": 0.96}
"""Metrics that the original project reports for its random 80/20 split."""


def metrics(name: str, run: Run) -> str:
    cells = run["confusion"]
    return f"""
## Performance: `{name}`, {run["films"]["total"]:,} test films of {run["patients"]:,} patients

Measured on the served graph. Intervals are 95 % intervals of a bootstrap over patients with
{run["bootstrap"]["replicates"]:,} replicates. The threshold {run["threshold"]:.3f} was chosen on validation films. The
first nine rows describe the network without the gate.

{tables.figures([run]).to_markdown()}

Confusion matrix at the threshold, network without the gate: {cells["true_positive"]} true positives,
{cells["false_negative"]} false negatives, {cells["true_negative"]} true negatives, {cells["false_positive"]} false
positives.
"""


def answers(run: Run) -> str:
    """Answers of the service to the films of each class, and for adults by reading and by source."""
    built = [build(run) for build in (population_tables.answers, population_tables.readings, population_tables.sources)]
    parts = [f"{table.caption}:\n\n{table.to_markdown()}" for table in built if table.rows]
    if not parts:
        return ""
    return "\n\n".join(
        [f"## Answers at `{DEFAULT_POINT}`\n\n{_ANSWERS}{_READINGS if 'readings' in run else ''}", *parts]
    )


_ANSWERS = """What a user gets: the gate and the undecided band are applied, and a film that is refused counts as
Unknown. A healthy film is as much a user's case as a sick one."""

_READINGS = """

The AUROC of a reading compares its films with SIIM's negative films, which are from the same hospitals; that of the
healthy films compares them with SIIM's films with pneumonia, which are from other hospitals."""


def subgroups(run: Run) -> str:
    """Films by kind of pneumonia or by reading."""
    text = "The kinds are the readings of radiologists. Figures by age and sex were not measured."
    if "readings" not in run:
        text = (
            "The file names of the data set distinguish bacterial from viral pneumonia. They do not contain age or sex."
        )
    return f"""
## Subgroups

{text}

{tables.subgroups(run).to_markdown()}
"""


def comparison(runs: Mapping[str, Run]) -> str:
    by_patient = {name: run for name, run in runs.items() if run["protocol"] in {"grouped80", "folds5"}}
    if not by_patient:
        return ""
    rows = [["original project (random 80/20 split)", *(f"{100 * value:.0f} %" for value in ORIGINAL_METRICS.values())]]
    for name, run in by_patient.items():
        rows.append(
            [f"`{name}`, threshold of `{DEFAULT_POINT}`", *(percent(run["figures"][key]) for key in ORIGINAL_METRICS)]
        )
        at_half = metrics_at_half(run)
        rows.append([f"`{name}`, threshold .5", *(share(at_half[key]) for key in ORIGINAL_METRICS)])
    columns = ["Model", *(METRIC_NAMES[key] for key in ORIGINAL_METRICS)]
    return f"""
## Comparison with the original project

The runs of this project in the table are of separate models that are never served. These models are tested on films of
patients that are not in their training data. The random split of the original project does not ensure this. The metrics
of the original project are where P(pneumonia) is .5 at the prevalence of these films, which favours the more frequent
class.

{Table("Comparison with the original project", columns, rows).to_markdown()}
"""


def metrics_at_half(run: Run) -> dict[str, float]:
    """The metrics of `ORIGINAL_METRICS` where P(pneumonia) is .5 at the prevalence of the test films.

    For folds, the mean over the folds.
    """
    results = [_metrics_at_half(fold) for fold in run.get("folds", [run])]
    return {key: sum(result[key] for result in results) / len(results) for key in ORIGINAL_METRICS}


def _metrics_at_half(run: Run) -> dict[str, float]:
    curve, cells = run["curves"]["thresholds"], run["confusion"]
    index = int(np.argmin(np.abs(np.array(curve["threshold"]) - _threshold_at_half(run))))
    true_positives, false_positives = curve["true_positive"][index], curve["false_positive"][index]
    positives = cells["true_positive"] + cells["false_negative"]
    negatives = cells["true_negative"] + cells["false_positive"]
    return {
        "accuracy": (true_positives + negatives - false_positives) / (positives + negatives),
        "precision": true_positives / max(true_positives + false_positives, 1),
        "sensitivity": true_positives / max(positives, 1),
        "f1": 2 * true_positives / max(true_positives + false_positives + positives, 1),
    }


def _threshold_at_half(run: Run) -> float:
    """The probability at the calibration's prevalence that becomes .5 at the prevalence of the run's films.

    The balanced threshold is the calibration's prevalence (`evaluation.operating_points`).
    """
    films, calibration = (run.get("known_prevalence") or {}).get("prevalence"), run["threshold"]
    if films is None:
        return 0.5
    odds = calibration * (1 - films) / ((1 - calibration) * films)
    return float(odds / (1 + odds))


def operating_points(config: Mapping[str, Any], run: Run) -> str:
    max_undecided = config.get("operating_point_limits", {}).get("max_undecided", MAX_UNDECIDED)
    return f"""
## Operating points

Below `low` the answer is Normal, above `high` Pneumonia, in between Unknown. All three numbers were chosen on
validation films, unchanged and perturbed. `screening` has a sensitivity of {100 * SCREENING_SENSITIVITY:.0f} % there,
`confirm` a specificity of {100 * CONFIRM_SPECIFICITY:.0f} %. The threshold of `balanced` is the calibration prevalence:
it corresponds to P(pneumonia) = 50 % where both classes are equally frequent. The undecided band is the narrowest one
whose answered films have an error of {100 * ANSWERED_ERROR:.0f} % on the risk-coverage curve of the validation films,
and it holds at most {100 * max_undecided:.0f} % of them. "Correct among all films" counts refused and undecided films
as wrong.

{tables.operating_points(config, run).to_markdown()}
"""


def calibration(config: Mapping[str, Any], runs: Mapping[str, Run], run: Run, external: Sequence[Run]) -> str:
    """Expected calibration errors and reliability tables of all sets of films on which they were measured."""
    results = tables.calibration_results(runs, run, external)
    reliability = [f"Reliability, {result.name}:\n\n{tables.reliability(result).to_markdown()}" for result in results]
    return f"""
## Calibration

Probabilities are calibrated to a prevalence of pneumonia of {100 * config["calibration"]["prevalence"]:.0f} %. At a
lower prevalence the true probability is lower than the one shown. {_calibration_films(config)}ECE: expected
calibration error, 15 bins. Out-of-fold: each film is scored by a model that was not trained on films of its patient. A
caller who states the local prevalence gets probabilities for it; the last column is the ECE if the prevalence of the
films is stated.

""" + "\n\n".join([tables.calibration_errors(results).to_markdown(), *reliability])


def _calibration_films(config: Mapping[str, Any]) -> str:
    source = config.get("validation", {}).get("calibrated_on")
    if not source:
        return ""
    return (
        f"The calibration was fitted on {source['films']:,} films of blocks that were held out in order of collection, "
        "by networks that were not trained on them, because they resemble another hospital more than the other "
        "validation films do. "
    )


def validation(summary: Mapping[str, Any]) -> str:
    worst = summary["worst_pair"]
    rows = [[name, decimal(value, 4)] for name, value in summary["auroc"].items()]
    if "border_of_other_class" in summary and "adults" in summary:
        rows.append(["border of a film of the other class", decimal(summary["border_of_other_class"], 4)])
    names = {
        "siim": "SIIM's films alone, unchanged",
        "siim_typical": "SIIM's typical films against its negative ones, unchanged",
        "healthy": "SIIM's films with pneumonia against RSNA's healthy films, unchanged",
    }
    rows += [[names[name], decimal(value, 4)] for name, value in summary.get("adults", {}).items() if name in names]
    return f"""
## Validation under perturbations

Each of {summary["films"]:,} validation films is scored under every perturbation of the table. AUROC is also measured
for each pair of perturbations: normal films under one of them against pneumonia films under the other. The worst pair
is normal films with "{worst["normal"]}" against pneumonia films with "{worst["pneumonia"]}": AUROC
{worst["auroc"]:.4f}. The mean over all pairs is {summary["mean_of_pairs"]:.4f}. {_CHOICE["adults" in summary]}

{Table("Validation under perturbations", ["Perturbation of the validation films", "AUROC"], rows).to_markdown()}
"""


_CHOICE = {
    False: """Recipes are chosen by the AUROC of such
pairs, on blocks of training films held out in order of collection, and not by the AUROC of the unchanged films.""",
    True: """Recipes are
compared by the AUROC of SIIM's films alone, whose classes are from the same hospitals, and by such pairs.""",
}
"""How recipes are chosen, without and with films of adults."""


def training(runs: Mapping[str, Run]) -> str:
    """Table with one row for each run. Five folds are trained by one command; their times are added."""
    columns = ["Model", "Command", "Films", "Epochs", "Time", "Machine"]
    rows = [_training_row(name, run) for name, run in runs.items()]
    return f"""
## Training

{Table("Training", columns, rows).to_markdown()}
"""


def _training_row(name: str, run: Run) -> list[str]:
    trainings = [fold["training"] for fold in run.get("folds", [run])]
    command = run["command"] if "command" in run else run["folds"][0]["command"]
    first, minutes = trainings[0], sum(training["seconds"] for training in trainings) / 60
    members = first.get("members", 1)
    epochs = f"{first['epochs']}" if members == 1 else f"{members} x {first['epochs']}"
    return [f"`{name}`", f"`{command}`", f"{first['films']:,}", epochs, f"{minutes:.0f} min", first["machine"]]


def test_set_access_log(entries: Sequence[str]) -> str:
    numbered = "\n".join(f"{number}. {entry}" for number, entry in enumerate(entries, start=1))
    if not numbered:
        return ""
    return f"""
## Test-set access log

Every access to the test films that could have influenced a decision, in order.

{numbered}
"""
