"""How good the model is on the data set's own films, and what was chosen on which of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...inference.decision import DEFAULT_POINT
from ..operating_points import ANSWERED_ERROR, CONFIRM_SPECIFICITY, MOST_UNDECIDED, SCREENING_SENSITIVITY
from .numbers import NAMES, percent, score, share, shown, table

Run = Mapping[str, Any]

SEED_TABLE = {"accuracy": 0.96, "precision": 0.95, "sensitivity": 0.97, "f1": 0.96}
"""What the original project states for its random 80/20 split."""


def figures(name: str, run: Run) -> str:
    rows = [[NAMES[key], shown(key, figure)] for key, figure in run["figures"].items()]
    cells = run["confusion"]
    return f"""
## Figures: `{name}`, {run["films"]["total"]:,} test films of {run["patients"]:,} patients

Computed on the served graph. Intervals: 95 %, bootstrap over patients, {run["bootstrap"]["replicates"]:,} times. The
threshold {run["threshold"]:.3f} was fixed on validation films. The first nine rows are the network alone.

{table(["figure", "value (95 % interval)"], rows)}

Confusion at the threshold, network alone: {cells["true_positive"]} pneumonia found, {cells["false_negative"]} missed;
{cells["true_negative"]} normal called normal, {cells["false_positive"]} called pneumonia.
"""


def kinds(run: Run) -> str:
    rows = [
        [kind, f"{facts['films']:,}", percent(facts["right"]), percent(facts["refused"])]
        for kind, facts in run["kinds"].items()
    ]
    return f"""
## Subgroups

The data set tells bacterial from viral pneumonia by the films' names; age and sex of a child it does not tell.

{table(["films", "how many", "network right", "refused by the gate"], rows)}
"""


def comparison(runs: Mapping[str, Run]) -> str:
    own = {name: run for name, run in runs.items() if run["protocol"] in {"grouped80", "folds5"}}
    if not own:
        return ""
    rows = [["the seed's table (random 80/20)", *(f"{100 * value:.0f} %" for value in SEED_TABLE.values())]]
    for name, run in own.items():
        rows.append([f"`{name}`, at `{DEFAULT_POINT}`", *(percent(run["figures"][key]) for key in SEED_TABLE)])
        half = at_one_half(run)
        rows.append([f"`{name}`, at one half", *(share(half[key]) for key in SEED_TABLE)])
    return f"""
## The 80/20 table

Models of their own, never served, on the films of patients that they have not seen. A random split, as the seed's,
does not promise that. "At one half" switches at a probability of .5, as the seed's table does; it leans to the class of
which these films have more.

{table(["model", *(NAMES[name] for name in SEED_TABLE)], rows)}
"""


def at_one_half(run: Run) -> dict[str, float]:
    """The seed table's figures with the threshold at .5; over folds, the mean of theirs."""
    parts = [_counted_at_one_half(part) for part in run.get("folds", [run])]
    return {key: sum(part[key] for part in parts) / len(parts) for key in SEED_TABLE}


def _counted_at_one_half(run: Run) -> dict[str, float]:
    curve, cells = run["curves"]["thresholds"], run["confusion"]
    place = curve["threshold"].index(0.5)
    found, alarms = curve["true_positive"][place], curve["false_positive"][place]
    ill = cells["true_positive"] + cells["false_negative"]
    well = cells["true_negative"] + cells["false_positive"]
    return {
        "accuracy": (found + well - alarms) / (ill + well),
        "precision": found / max(found + alarms, 1),
        "sensitivity": found / max(ill, 1),
        "f1": 2 * found / max(found + alarms + ill, 1),
    }


def operating_points(config: Mapping[str, Any], run: Run) -> str:
    rows = []
    for name, found in run["operating_points"].items():
        point = config["operating_points"][name]
        label = f"**{name}**" if name == DEFAULT_POINT else name
        bounds = f"{point['low']:.3f} / {point['threshold']:.3f} / {point['high']:.3f}"
        rows.append([label, bounds, *(percent(figure) for figure in found.values())])
    head = ["operating point", "low / threshold / high", "answered", "accuracy of the answered"]
    head += ["their sensitivity", "their specificity", "right among all films"]
    return f"""
## Operating points

Below `low` the answer is Normal, above `high` Pneumonia, between them Unknown. All three numbers were chosen on
validation films, as they are and changed: `screening` keeps {100 * SCREENING_SENSITIVITY:.0f} % sensitivity there,
`confirm` {100 * CONFIRM_SPECIFICITY:.0f} % specificity; at `balanced` a film is as likely ill as not where both kinds
are equally frequent. The band is the narrowest that leaves {100 * ANSWERED_ERROR:.0f} % of the answers wrong on the
validation films' risk-coverage curve, and holds at most {100 * MOST_UNDECIDED:.0f} % of them. "Right among all films"
counts a refused or undecided film as wrong.

{table(head, rows)}
"""


def calibration(config: Mapping[str, Any], runs: Mapping[str, Run], run: Run, external: Sequence[Run]) -> str:
    """Expected calibration errors, wherever measured, and what stands behind them: said against observed."""
    measured = [
        (f"out of fold, `{name}`", folds["out_of_fold"]["films"], folds["out_of_fold"])
        for name, folds in runs.items()
        if "out_of_fold" in folds
    ]
    measured.append((f"{run['protocol']} test", run["films"]["total"], {**run, **run["curves"]}))
    measured += [(entry["name"], entry["films"]["total"], entry) for entry in external]
    errors = [[films, f"{count:,}", score(found["figures"]["ece"]), _told(found)] for films, count, found in measured]
    curves = [_reliability(films, found["reliability"]) for films, _, found in measured]
    return f"""
## Calibration

Probabilities are calibrated where {100 * config["calibration"]["prevalence"]:.0f} % of the films show pneumonia. Where
pneumonia is rarer, the true probability is lower than the one shown. ECE: expected calibration error, 15 bins. Out of
fold: each film judged by a model that has not seen its patient. A caller who gives the share of pneumonia where they
work gets probabilities for it: the last column is the ECE when the films' own share is given.

""" + "\n\n".join([table(["films", "how many", "ECE", "ECE, share of pneumonia given"], errors), *curves])


def _told(found: Mapping[str, Any]) -> str:
    told = found.get("told_prevalence")
    return "-" if told is None else f"{score(told['figures']['ece'])} at {share(told['prevalence'])}"


def _reliability(films: str, curve: Mapping[str, Sequence[Any]]) -> str:
    rows = [
        [f"{count:,}", share(said), share(real)]
        for count, said, real in zip(curve["count"], curve["probability"], curve["observed"], strict=True)
    ]
    return f"Reliability, {films}:\n\n{table(['films', 'said probability, mean', 'had pneumonia'], rows)}"


def validation(shifted: Mapping[str, Any]) -> str:
    worst = shifted["worst_pair"]
    pair = f"normal films {worst['normal']} against pneumonia films {worst['pneumonia']}"
    rows = [[name, f"{value:.4f}".removeprefix("0")] for name, value in shifted["auroc"].items()]
    return f"""
## Validation under change

{shifted["films"]:,} validation films, each as if it had been saved in another way. The worst pair:
{pair}, AUROC {worst["auroc"]:.4f}.
The mean over all pairs is {shifted["mean_of_pairs"]:.4f}. Recipes are chosen by such pairs, on blocks of training films
held out in the order of their collection, and not by the first row.

{table(["validation films", "AUROC"], rows)}
"""


def training(runs: Mapping[str, Run]) -> str:
    """One row a model; five folds are one command, and their times add up."""
    rows = []
    for name, run in runs.items():
        trained = [part["training"] for part in run.get("folds", [run])]
        command = run["command"] if "command" in run else run["folds"][0]["command"]
        seconds = sum(part["seconds"] for part in trained)
        rows.append(
            [f"`{name}`", f"`{command}`", *_effort(trained[0]), f"{seconds / 60:.0f} min", trained[0]["machine"]]
        )
    return f"""
## Training

{table(["model", "command", "films", "epochs", "time", "machine"], rows)}
"""


def _effort(trained: Mapping[str, Any]) -> list[str]:
    members = trained.get("members", 1)
    epochs = f"{trained['epochs']}" if members == 1 else f"{members} x {trained['epochs']}"
    return [f"{trained['films']:,}", epochs]


def looks(listed: Sequence[str]) -> str:
    numbered = "\n".join(f"{number}. {look}" for number, look in enumerate(listed, start=1))
    return f"## Looks at the official test\n\n{numbered}" if numbered else ""
