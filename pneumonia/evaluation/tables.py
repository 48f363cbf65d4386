"""Tables of the evaluation, built once for the model card (Markdown) and the web page (HTML).

Serving imports this module, so it must not import scikit-learn, SciPy or Matplotlib, directly or indirectly. Every
function takes parts of `config.json` and `evaluation.json` and returns a table without rows if the data is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..inference.decision import DEFAULT_POINT, LABEL_NAMES, point_name
from ..messages import message
from .number_format import METRIC_NAMES, Figure, decimal, format_metric, percent, points, score, share
from .table import Table

Json = Mapping[str, Any]

PROTOCOL_NAMES = {
    "official": message("official test"),
    "grouped80": message("80/20 by patient"),
    "folds5": message("five folds by patient"),
    "adults": message("held-out fifth of the adults"),
}

_INTERVAL = message("Value (95 % interval)")


def figures(runs: Sequence[Json]) -> Table:
    """All metrics that the first run has, with one column for each run."""
    rows = [
        [name, *(format_metric(key, run["figures"][key]) if key in run["figures"] else "-" for run in runs)]
        for key, name in METRIC_NAMES.items()
        if key in runs[0]["figures"]
    ]
    columns = [message("Metric (95 % interval)"), *map(_run_name, runs)]
    return Table(message("Metrics with 95 % intervals, bootstrap over patients"), columns, rows)


def _run_name(run: Json) -> str:
    name = PROTOCOL_NAMES.get(run["protocol"], str(run["protocol"]))
    films = run.get("films", {}).get("total")
    return message("{name}, {films:,} films", name=name, films=films) if films else name


def subgroups(run: Json) -> Table:
    """Normal, bacterial and viral films: share answered correctly by the network, and share refused by the gate."""
    rows = [
        [kind, f"{subgroup['films']:,}", percent(subgroup["right"]), percent(subgroup["refused"])]
        for kind, subgroup in run.get("kinds", {}).items()
    ]
    return Table(
        message("Subgroups"),
        [message("Subgroup"), message("Films"), message("Network correct"), message("Refused by the gate")],
        rows,
    )


def operating_points(config: Json, run: Json) -> Table:
    """Decision thresholds and performance of each operating point, gate and undecided band included."""
    rows = [
        [
            message("{name} (default)", name=point_name(name)) if name == DEFAULT_POINT else point_name(name),
            _thresholds(config["operating_points"].get(name)),
            *(percent(figure) for figure in metrics.values()),
        ]
        for name, metrics in run.get("operating_points", {}).items()
    ]
    columns = [
        message("Operating point"),
        message("Low / threshold / high"),
        message("Coverage (films answered)"),
        message("Accuracy of answered films"),
    ]
    columns += [
        message("Sensitivity of answered films"),
        message("Specificity of answered films"),
        message("Correct among all films"),
    ]
    return Table(message("Operating points"), columns, rows)


def _thresholds(point: Mapping[str, float] | None) -> str:
    if point is None:
        return "-"
    return f"{point['low']:.3f} / {point['threshold']:.3f} / {point['high']:.3f}"


class CalibrationResult(NamedTuple):
    """Calibration measured on one set of films."""

    name: str
    films: int
    ece: Figure
    reliability: Mapping[str, Sequence[Any]]
    """`count`, mean `probability` and `observed` share of pneumonia of each bin that is not empty."""
    known_prevalence: Json | None
    """Metrics of the probabilities that are recalibrated to the set's own prevalence; None if not measured."""


def calibration_results(runs: Mapping[str, Json], served: Json, external: Sequence[Json]) -> list[CalibrationResult]:
    """Results for all sets of films with a measured calibration: out-of-fold, served run's test, external films."""
    results = [
        _calibration(message("out-of-fold, `{name}`", name=name), run["out_of_fold"]["films"], run["out_of_fold"])
        for name, run in runs.items()
        if "out_of_fold" in run
    ]
    test = {**served, "reliability": served["curves"]["reliability"]}
    results.append(_calibration(f"{served['protocol']} test", served["films"]["total"], test))
    return results + [_calibration(entry["name"], entry["films"]["total"], entry) for entry in external]


def _calibration(name: str, films: int, source: Json) -> CalibrationResult:
    ece, known_prevalence = source["figures"]["ece"], source.get("known_prevalence")
    return CalibrationResult(name, films, ece, source["reliability"], known_prevalence)


def calibration_errors(results: Sequence[CalibrationResult]) -> Table:
    """Expected calibration errors with the calibration prevalence, and with the known prevalence of the films."""
    rows = [
        [result.name, f"{result.films:,}", score(result.ece), _known_prevalence(result.known_prevalence)]
        for result in results
    ]
    return Table(
        message("Expected calibration errors"),
        [message("Films"), message("Count"), "ECE", message("ECE with known prevalence")],
        rows,
    )


def _known_prevalence(source: Json | None) -> str:
    return (
        "-"
        if source is None
        else message("{score} at {share}", score=score(source["figures"]["ece"]), share=share(source["prevalence"]))
    )


def reliability(result: CalibrationResult) -> Table:
    """Number of films, mean predicted probability and observed share of pneumonia, one row for each bin."""
    curve = result.reliability
    rows = [
        [f"{count:,}", share(predicted), share(observed)]
        for count, predicted, observed in zip(curve["count"], curve["probability"], curve["observed"], strict=True)
    ]
    return Table(
        message("Reliability, {name}", name=result.name),
        [message("Films"), message("Mean P(pneumonia)"), message("Observed pneumonia")],
        rows,
    )


def gate_refusals(kinds: Sequence[Json]) -> Table:
    """Share of each kind of image that the gate refuses."""
    rows = [[kind["name"], f"{kind['images']:,}", percent(kind["refused"]), share(kind["far"])] for kind in kinds]
    return Table(
        message("Images refused by the gate"),
        [message("Images"), message("Count"), message("Refused"), message("Refused as no chest film")],
        rows,
    )


def external_validation(entry: Json) -> Table:
    """Metrics on an external set of films: on all films, on those accepted by the gate, and of the whole service."""
    rows = [
        [name, format_metric(key, entry["figures"][key])]
        for key, name in METRIC_NAMES.items()
        if key in entry["figures"]
    ]
    return Table(
        str(entry["name"]), [message("Metric"), _INTERVAL], [*rows, *_accepted_rows(entry), *_service_rows(entry)]
    )


def _accepted_rows(entry: Json) -> list[list[str]]:
    accepted = entry.get("passed", {})
    return [
        [
            message(
                "{metric} on the {count:,} films accepted by the gate",
                metric=METRIC_NAMES[key],
                count=accepted["films"],
            ),
            percent(accepted[key]),
        ]
        for key in ("accuracy", "sensitivity", "specificity")
        if key in accepted
    ]


def _service_rows(entry: Json) -> list[list[str]]:
    names = {
        "refused": message("Refused by the gate"),
        "warned": message("Answered with a warning"),
        "unknown": message("Answered Unknown, for any reason"),
    }
    service = entry.get("service", {})
    return [[name, percent(service[key])] for key, name in names.items() if key in service]


def robustness(audit: Json | None, caption: str = message("Test films under perturbations")) -> Table:
    """Accuracy of the network on perturbed films, and the accuracy lost. The films are of the test unless `caption`
    says otherwise.
    """
    rows = []
    if audit:
        rows = [_perturbation_row(message("unchanged"), audit["baseline"], "-")]
        rows += [_perturbation_row(name, row, points(row["loss"])) for name, row in audit["changes"].items()]
    columns = [
        message("Perturbation"),
        message("Accuracy"),
        message("Accuracy lost, points"),
        message("Sensitivity"),
        message("Specificity"),
        message("Refused by the gate"),
    ]
    return Table(caption, columns, rows)


def _perturbation_row(name: str, metrics: Json, loss: str) -> list[str]:
    others = [percent(metrics[key]) for key in ("sensitivity", "specificity", "refused")]
    return [name, percent(metrics["accuracy"]), loss, *others]


def shortcuts(audit: Json | None) -> Table:
    """AUROC and accuracy with the lungs hidden, and with acquisition cues swapped between the classes."""
    rows = []
    if audit:
        rows = [[message("unchanged"), "-", *_auroc_and_accuracy(audit["baseline"])]]
        chance = message("{value} (chance)", value=decimal(0.5))
        rows += [[name, chance, *_auroc_and_accuracy(row)] for name, row in audit.get("hidden", {}).items()]
        rows += [
            [name, message("as unchanged"), *_auroc_and_accuracy(row)]
            for swap in audit.get("swaps", {}).values()
            for name, row in swap.items()
        ]
    columns = [
        message("Films"),
        message("Expected AUROC if only the lungs were read"),
        message("Measured AUROC"),
        message("Measured accuracy"),
    ]
    return Table(message("Lungs hidden, and acquisition cues swapped between the classes"), columns, rows)


def _auroc_and_accuracy(row: Json) -> list[str]:
    return [score(row["auroc"]), percent(row["accuracy"])]


def activation(audit: Json | None) -> Table:
    """Distribution over the films of the share of positive activation inside the lungs."""
    rows = []
    region = (audit or {}).get("region", "lung boxes")
    if audit:
        rows = [[message("Reference: only the lungs are read"), "", "100 %", "", "100 %"]]
        rows += [[message("Reference: uniform over the film"), "", share(audit["chance"]), "", "-"]]
        rows += [_activation_row(name, row) for name, row in audit["films"].items() if row["count"]]
    columns = [
        message("Activation inside the {region}", region=region),
        message("Films"),
        message("Median"),
        message("Quartiles"),
        message("Films with at least half inside"),
    ]
    return Table(message("Location of the activation map"), columns, rows)


def _activation_row(name: str, row: Json) -> list[str]:
    quartiles = message("{low} to {high}", low=share(row["lower"]), high=share(row["upper"]))
    return [
        message("This model, all films")
        if name == "all"
        else message("This model, {name} films", name=LABEL_NAMES[name]),
        f"{row['count']:,}",
        share(row["median"]),
        quartiles,
        percent(row["at_least_half"]),
    ]
