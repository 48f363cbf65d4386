"""Sections of the evidence tab, built from the bundle's evaluation alone.

Each function returns HTML, or "" if the bundle lacks the data of its section.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from ..evaluation import tables
from ..inference.bundle import Bundle
from . import plots
from .confusion_matrix import confusion_matrix
from .plots import Axes, Line, Mark

Run = Mapping[str, Any]


def performance(bundle: Bundle, run: Run) -> str:
    """Metrics of the served model, beside those of the same recipe under the other protocols."""
    runs = _runs_of_recipe(bundle, run)
    note = _OFFICIAL_TEST if any(each["protocol"] == "official" for each in runs) else ""
    return tables.figures(runs).to_html() + f"<p>{_COLUMNS}{note}</p>"


_COLUMNS = (
    "The first column is the model that answers here: the network without the gate, every film answered, at the "
    "threshold chosen on validation films. The other columns are separate models of the same recipe, tested on "
    "patients that are not in their training data. "
)
_OFFICIAL_TEST = (
    "The films of the official test were saved differently from the training films. It is therefore the harder and "
    "more realistic test."
)


def _runs_of_recipe(bundle: Bundle, run: Run) -> list[Run]:
    """`run`, then the other runs of its recipe."""
    runs = bundle.evaluation["runs"].values()
    return [run, *(each for each in runs if each["recipe"] == run["recipe"] and each is not run)]


def thresholds(bundle: Bundle, run: Run) -> str:
    """The confusion matrix with a threshold slider."""
    return confusion_matrix(run, bundle.operating_points)


def operating_points(bundle: Bundle, run: Run) -> str:
    """ROC curve with the operating points, and the performance of each."""
    table = tables.operating_points(bundle.config, run)
    note = '<p>"Correct among all films" counts refused and undecided films as wrong.</p>'
    return _roc(run.get("curves", {})) + (table.to_html() + note if table.rows else "")


def _roc(curves: Mapping[str, Any]) -> str:
    if "roc" not in curves:
        return ""
    empty: dict[str, list[Any]] = {"name": [], "false_positive_rate": [], "sensitivity": []}
    roc, points = curves["roc"], curves.get("operating_points", empty)
    marks = [
        Mark(x, y, name)
        for name, x, y in zip(points["name"], points["false_positive_rate"], points["sensitivity"], strict=True)
    ]
    return plots.plot(
        "ROC",
        "Each point of the curve is a threshold, every film answered. The dashed line is chance.",
        Axes("false positive rate (1 - specificity)", "sensitivity"),
        [Line([0, 1], [0, 1], dashed=True), Line(roc["false_positive_rate"], roc["sensitivity"])],
        marks,
    )


def calibration(bundle: Bundle, run: Run) -> str:
    """Reliability diagram, and the prevalence that the probabilities assume."""
    curve = run.get("curves", {}).get("reliability")
    if not curve:
        return ""
    largest = max(curve["count"])
    marks = [
        Mark(predicted, observed, size=2.5 + 9 * (count / largest) ** 0.5)
        for count, predicted, observed in zip(curve["count"], curve["probability"], curve["observed"], strict=True)
    ]
    diagram = plots.plot(
        "Reliability",
        "Predicted P(pneumonia) against the share of these films that had pneumonia. On the dashed line both agree. "
        "The larger a circle, the more films.",
        Axes("predicted P(pneumonia)", "observed pneumonia"),
        [Line([0, 1], [0, 1], dashed=True), Line(curve["probability"], curve["observed"])],
        marks,
    )
    prevalence = 100 * bundle.calibration.prevalence
    return diagram + (
        f"<p>Probabilities are calibrated to a prevalence of pneumonia of {prevalence:.0f} %. At a lower prevalence "
        "the true probability is lower than the one shown. Circles below the line are films with too high a "
        "probability.</p>"
    )


def risk_coverage(bundle: Bundle, run: Run) -> str:
    """Risk-coverage curve: the error that remains if uncertain films are not answered."""
    curve = run.get("curves", {}).get("risk_coverage")
    if not curve:
        return ""
    y_end = max(0.05, *(0.05 * (int(risk / 0.05) + 1) for risk in curve["risk"]))
    return plots.plot(
        "Risk and coverage",
        "Films are answered in the order of the network's certainty. From left to right more films are answered; the "
        "curve is the share of wrong answers among them.",
        Axes("films answered (coverage)", "wrong answers (risk)", y_end=y_end),
        [Line(curve["coverage"], curve["risk"])],
    )


def subgroups(bundle: Bundle, run: Run) -> str:
    """Normal, bacterial and viral films."""
    table = tables.subgroups(run)
    note = (
        "<p>The file names of the data set distinguish bacterial from viral pneumonia. They do not contain age or "
        "sex.</p>"
    )
    return table.to_html() + note if table.rows else ""


def gate(bundle: Bundle, run: Run) -> str:
    """Which images the out-of-distribution gate refuses."""
    table = tables.gate_refusals((bundle.evaluation.get("gate_kinds") or {}).get("kinds", []))
    note = (
        "<p>The gate runs before the network. An image unlike the training films gets Unknown, and the network is not "
        "run. The gate accepts some images that it should refuse.</p>"
    )
    return note + table.to_html() if table.rows else ""


def external_validation(bundle: Bundle, run: Run) -> str:
    """Films of other hospitals, each set with its verdict."""
    return "".join(map(_external_set, bundle.evaluation.get("external") or []))


def _external_set(entry: Run) -> str:
    total, normal = entry["films"]["total"], entry["films"]["normal"]
    return (
        f"<p><strong>{escape(entry['name'])}</strong>, {escape(entry['of'])}: {total:,} films; by their labels "
        f"{normal:,} are without and {total - normal:,} with pneumonia. No decision was based on them. Here the model "
        f"is <strong>{escape(entry['verdict'])}</strong>.</p>" + tables.external_validation(entry).to_html()
    )


def robustness(bundle: Bundle, run: Run) -> str:
    """Accuracy on perturbed test films."""
    table = tables.robustness(run.get("robustness"))
    note = "<p>The same films before and after. A negative loss means that accuracy increased.</p>"
    return table.to_html() + note if table.rows else ""


def shortcuts(bundle: Bundle, run: Run) -> str:
    """What the network reads besides the lungs."""
    audit = run.get("shortcuts")
    if not audit:
        return ""
    note = (
        "<p>A result far from the second column shows that the network does not read the lungs alone. The lung boxes "
        "are coarse, and heart and hila, which lie outside them, are informative too.</p>"
    )
    activation = tables.activation(audit.get("activation"))
    return tables.shortcuts(audit).to_html() + note + (activation.to_html() if activation.rows else "")


def test_set_access_log(bundle: Bundle, run: Run) -> str:
    """Every access to the official test set that could have influenced a decision."""
    entries: Sequence[str] = bundle.evaluation.get("test_set_access_log") or []
    items = "".join(f"<li>{escape(entry)}</li>" for entry in entries)
    return f"<ol>{items}</ol>" if items else ""


Section = Callable[[Bundle, Run], str]

SECTIONS: tuple[tuple[str, Section], ...] = (
    ("Performance", performance),
    ("Threshold and confusion matrix", thresholds),
    ("Operating points", operating_points),
    ("Calibration", calibration),
    ("Risk and coverage of Unknown", risk_coverage),
    ("Subgroups: bacterial, viral, normal", subgroups),
    ("Out-of-distribution gate", gate),
    ("External validation: films of other hospitals", external_validation),
    ("Robustness to perturbations", robustness),
    ("Shortcut audit", shortcuts),
    ("Test-set access log", test_set_access_log),
)
"""Heading and function of each section, in the order of the tab."""
