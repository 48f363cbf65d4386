"""The model card, written from `config.json` and `evaluation.json` alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from ..decision import DEFAULT_POINT

Run = Mapping[str, Any]

SEED_TABLE = {"accuracy": 0.96, "precision": 0.95, "sensitivity": 0.97, "f1": 0.96}
"""What the original project states for its random 80/20 split."""

DATASET = "paultimothymooney/chest-xray-pneumonia"

_NAMES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "sensitivity": "sensitivity (recall)",
    "specificity": "specificity",
    "f1": "F1",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "ece": "ECE, 15 bins",
    "gated_accuracy": "accuracy, a refused film counts as wrong",
    "gated_sensitivity": "sensitivity, a refused film counts as wrong",
    "gated_specificity": "specificity, a refused film counts as wrong",
}
_SCORES = {"auroc", "auprc", "brier", "ece"}


def write(config: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """The card's Markdown, front matter with `model-index` included."""
    served = f"{config['recipe']}/{config['protocol']}"
    runs: Mapping[str, Run] = evaluation["runs"]
    parts = [
        f"---\n{_metadata(runs[served]).to_yaml()}\n---",
        _introduction(config),
        _figures(served, runs[served]),
        _comparison(runs),
        _operating_points(config, runs[served]),
        _validation(config["validation"]),
        _gate(config),
        _training(runs),
        _looks(evaluation["looks"]),
        _LIMITS,
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def percent(figure: Mapping[str, float | None], *, interval: bool = True) -> str:
    """`93.1 % (90.9-95.0)`, or `93.1 %` without the interval; a dash where there is no value."""
    if figure["value"] is None:
        return "-"
    text = f"{100 * figure['value']:.1f} %"
    if not interval:
        return text
    return f"{text} ({100 * (figure['low'] or 0):.1f}-{100 * (figure['high'] or 0):.1f})"


def score(figure: Mapping[str, float | None]) -> str:
    """`.981 (.971-.989)`; a dash where there is no value."""
    if figure["value"] is None:
        return "-"
    value, low, high = (f"{figure[name]:.3f}".removeprefix("0") for name in ("value", "low", "high"))
    return f"{value} ({low}-{high})"


def shown(name: str, figure: Mapping[str, float | None]) -> str:
    return score(figure) if name in _SCORES else percent(figure)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _metadata(run: Run) -> ModelCardData:
    results = [
        EvalResult(
            task_type="image-classification",
            task_name="Image Classification",
            dataset_type=DATASET,
            dataset_name=f"Chest X-ray pneumonia, {run['protocol']} test",
            dataset_split="test",
            metric_type=name,
            metric_value=run["figures"][name]["value"],
        )
        for name in ("accuracy", "precision", "sensitivity", "specificity", "f1", "auroc")
        if run["figures"][name]["value"] is not None
    ]
    return ModelCardData(
        model_name="Chest-film assistant",
        license="mit",
        language="en",
        library_name="litert",
        pipeline_tag="image-classification",
        datasets=[DATASET],
        tags=["medical", "chest-x-ray", "pneumonia", "keras", "grad-cam", "out-of-distribution-detection"],
        eval_results=results,
    )


def _introduction(config: Mapping[str, Any]) -> str:
    return f"""
# Chest-film assistant: Normal, Pneumonia or Unknown

A network of three convolutions and a dense head, trained from scratch on frontal chest films of children of 1-5 years
from one hospital (Kermany et al. 2018). A gate in front of it refuses images unlike these films, and a band around the
threshold leaves the unsure undecided: both answers are **Unknown**.

**Intended use**: a second look by medical staff, for research and teaching. It is a support tool, not a replacement for
a radiologist, and no medical device. **Not intended**: adults, lateral films, CT, any decision without a physician.

Recipe `{config["recipe"]}`, protocol `{config["protocol"]}`, revision `{config["revision"]}`, trained on
{config["data"]["films"]:,} films (fingerprint `{config["data"]["fingerprint"][:12]}`).
"""


def _figures(name: str, run: Run) -> str:
    rows = [[_NAMES[key], shown(key, figure)] for key, figure in run["figures"].items()]
    cells = run["confusion"]
    kinds = [
        [kind, f"{facts['films']:,}", percent(facts["right"]), percent(facts["refused"])]
        for kind, facts in run["kinds"].items()
    ]
    return f"""
## Figures: `{name}`, {run["films"]["total"]:,} test films of {run["patients"]:,} patients

Computed on the served graph. Intervals: 95 %, bootstrap over patients, {run["bootstrap"]["replicates"]:,} times. The
threshold {run["threshold"]:.3f} was fixed on validation films. The first nine rows are the network alone.

{table(["figure", "value (95 % interval)"], rows)}

Confusion at the threshold, network alone: {cells["true_positive"]} pneumonia found, {cells["false_negative"]} missed;
{cells["true_negative"]} normal called normal, {cells["false_positive"]} called pneumonia.

{table(["films", "how many", "network right", "refused by the gate"], kinds)}
"""


def _comparison(runs: Mapping[str, Run]) -> str:
    grouped = {name: run for name, run in runs.items() if run["protocol"] == "grouped80"}
    if not grouped:
        return ""
    names = list(SEED_TABLE)
    rows = [["the seed's table (random 80/20)", *(f"{100 * SEED_TABLE[name]:.0f} %" for name in names)]]
    for name, run in grouped.items():
        rows.append([f"`{name}`", *(percent(run["figures"][key]) for key in names)])
    return f"""
## The 80/20 table

Four fifths of all patients train, the others test: models of their own, never served. No patient is on both sides,
which a random split does not promise.

{table(["model", *(_NAMES[name] for name in names)], rows)}
"""


def _operating_points(config: Mapping[str, Any], run: Run) -> str:
    rows = []
    for name, figures in run["operating_points"].items():
        point = config["operating_points"][name]
        label = f"**{name}**" if name == DEFAULT_POINT else name
        bounds = f"{point['low']:.3f} / {point['threshold']:.3f} / {point['high']:.3f}"
        rows.append([label, bounds, *(percent(figure) for figure in figures.values())])
    head = ["operating point", "low / threshold / high", "answered", "accuracy of the answered"]
    head += ["their sensitivity", "their specificity", "right among all films"]
    share = config["calibration"]["prevalence"]
    return f"""
## Operating points

Below `low` the answer is Normal, above `high` Pneumonia, between them Unknown. All three numbers were chosen on
validation films, as they are and changed in sharpness, exposure, noise, compression and crop: `screening` keeps 99 %
sensitivity there, `confirm` 99 % specificity, at `balanced` a missed pneumonia weighs as much as two false alarms. The
band holds the 5 % of validation films nearest to the threshold. "Right among all films" counts a refused or undecided
film as wrong.

{table(head, rows)}

Probabilities are calibrated (Platt) where {100 * share:.0f} % of the films show pneumonia. Where pneumonia is rarer,
the true probability is lower than the one shown.
"""


def _validation(shifted: Mapping[str, Any]) -> str:
    worst = shifted["worst_pair"]
    pair = f"normal films {worst['normal']} against pneumonia films {worst['pneumonia']}"
    rows = [[name, f"{value:.4f}".removeprefix("0")] for name, value in shifted["auroc"].items()]
    return f"""
## Validation under change

{shifted["films"]:,} validation films, each as if it had been saved in another way. The worst pair:
{pair}, AUROC {worst["auroc"]:.4f}.
The mean over all pairs is {shifted["mean_of_pairs"]:.4f}. Recipes are chosen by these, not by the first row.

{table(["validation films", "AUROC"], rows)}
"""


def _gate(config: Mapping[str, Any]) -> str:
    rows = [
        [view, measure, f"{limit['near']:.3f}", f"{limit['far']:.3f}"]
        for view, measures in config["gate"].items()
        for measure, limit in measures.items()
    ]
    return f"""
## Gate

A thumbnail of the film's brightness and a map of its edges are held against the principal components of the training
films: how much is left unexplained (residual), how far from the middle (distance). Above the first limit an image is
refused as unlike the training films, above the second as no chest film. The limits come from validation films, as they
are and changed, on which nothing was fitted. What it refuses of the test films stands in the table above.

{table(["view", "measure", "unlike above", "no chest film above"], rows)}
"""


def _training(runs: Mapping[str, Run]) -> str:
    rows = [
        [
            f"`{name}`",
            f"`{run['command']}`",
            f"{run['training']['films']:,}",
            f"{run['training']['epochs']}",
            f"{run['training']['seconds'] / 60:.0f} min",
            run["training"]["machine"],
        ]
        for name, run in runs.items()
    ]
    return f"""
## Training

{table(["model", "command", "films", "epochs", "time", "machine"], rows)}
"""


def _looks(looks: Iterable[str]) -> str:
    listed = "\n".join(f"{number}. {look}" for number, look in enumerate(looks, start=1))
    return f"## Looks at the official test\n\n{listed}" if listed else ""


_LIMITS = """
## Limits

* One hospital, children of 1-5 years, films taken from front to back. Published models of this data set fall to an
  AUROC of .54 to .78 on films of other hospitals and of adults; nothing better should be expected here.
* Normal and pneumonia films of the data set were saved differently, and networks learn this. Augmentation works against
  it and does not remove it: figures on this data set's own films flatter every model trained on it.
* Sharpness still moves the score: very soft pictures of clear lungs lean to Pneumonia.
* The official test holds films of 264 patient numbers that also occur in training (a naming ambiguity of the data set).
* The activation map shows what moved the score. It is not proof that the network read the lungs.
* The model knows two classes. Tuberculosis, effusion, fractures, masses, a misplaced tube: it was never shown them by
  name, and "Normal" does not exclude them.

## Licence and source

Code and weights: MIT. Films: Kermany, Zhang, Goldbaum, *Labeled Optical Coherence Tomography (OCT) and Chest X-Ray
Images for Classification*, Mendeley Data, doi 10.17632/rscbjbr9sj, CC BY 4.0; Kermany et al., *Cell* 172 (2018) 1122.
The examples are averages of typical training films of a class; no patient's film is among them.
"""
