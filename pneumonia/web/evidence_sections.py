"""Sections of the evidence tab, built from the bundle's evaluation alone.

Each function takes the bundle and its served run of `evaluation.json`. It returns HTML, or "" if the data of its
section is missing.
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
    note = _OFFICIAL_TEST if any(recipe_run["protocol"] == "official" for recipe_run in runs) else ""
    return tables.figures(runs).to_html() + f"<p>{_COLUMNS}{note}</p>"


_COLUMNS = (
    "The first column is the model of this page: the network without the gate answers every film, at the threshold "
    "chosen on validation films. The other columns are separate models of the same recipe, tested on patients that are "
    "not in their training data. "
)
_OFFICIAL_TEST = (
    "The films of the official test were saved differently from the training films, so this test is harder and more "
    "realistic."
)


def _runs_of_recipe(bundle: Bundle, run: Run) -> list[Run]:
    """`run`, followed by the other runs of its recipe."""
    runs = bundle.evaluation["runs"].values()
    return [run, *(other for other in runs if other["recipe"] == run["recipe"] and other is not run)]


def thresholds(bundle: Bundle, run: Run) -> str:
    """Confusion matrix with a threshold slider."""
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
        "Each point of the curve is a threshold at which every film is answered. The dashed line is chance.",
        Axes("false positive rate (1 - specificity)", "sensitivity"),
        [Line([0, 1], [0, 1], dashed=True), Line(roc["false_positive_rate"], roc["sensitivity"])],
        marks,
    )


def calibration(bundle: Bundle, run: Run) -> str:
    """Reliability diagram, with the prevalence to which the probabilities are calibrated."""
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
        "Predicted P(pneumonia) against the share of films with this prediction that had pneumonia. On the dashed line "
        "both are equal. The larger a circle, the more films it represents.",
        Axes("predicted P(pneumonia)", "observed pneumonia"),
        [Line([0, 1], [0, 1], dashed=True), Line(curve["probability"], curve["observed"])],
        marks,
    )
    prevalence = 100 * bundle.calibration.prevalence
    return diagram + (
        f"<p>Probabilities are calibrated to a prevalence of pneumonia of {prevalence:.0f} %. At a lower prevalence "
        "the true probability is lower than the one shown. A circle below the line represents films whose predicted "
        "probability is too high.</p>"
    )


def risk_coverage(bundle: Bundle, run: Run) -> str:
    """Risk-coverage curve: share of wrong answers if only the most certain films are answered."""
    curve = run.get("curves", {}).get("risk_coverage")
    if not curve:
        return ""
    y_end = max(0.05, *(0.05 * (int(risk / 0.05) + 1) for risk in curve["risk"]))
    return plots.plot(
        "Risk and coverage",
        "Films are answered in order of the network's certainty, so more films are answered from left to right. The "
        "curve is the share of wrong answers among them.",
        Axes("films answered (coverage)", "wrong answers (risk)", y_end=y_end),
        [Line(curve["coverage"], curve["risk"])],
    )


def subgroups(bundle: Bundle, run: Run) -> str:
    """Results for normal, bacterial and viral films."""
    table = tables.subgroups(run)
    note = (
        "<p>The file names of the data set distinguish bacterial from viral pneumonia. They do not contain age or "
        "sex, so no results by age or sex are available.</p>"
    )
    return table.to_html() + note if table.rows else ""


def gate(bundle: Bundle, run: Run) -> str:
    """Share of images that the out-of-distribution gate refuses, by kind of image."""
    table = tables.gate_refusals((bundle.evaluation.get("gate_kinds") or {}).get("kinds", []))
    note = (
        "<p>The gate checks an image before the network. If the image is unlike the training films, the answer is "
        "Unknown and the network is not run. The gate accepts some images that it should refuse.</p>"
    )
    return note + table.to_html() if table.rows else ""


def external_validation(bundle: Bundle, run: Run) -> str:
    """Metrics on films of other hospitals, with a verdict for each data set."""
    return "".join(map(_external_set, bundle.evaluation.get("external") or []))


def _external_set(entry: Run) -> str:
    total, normal = entry["films"]["total"], entry["films"]["normal"]
    return (
        f"<p><strong>{escape(entry['name'])}</strong>, {escape(entry['of'])}: {total:,} films, "
        f"labelled {normal:,} without and {total - normal:,} with pneumonia. No decision about the model was based on "
        f"them. On these films the model is <strong>{escape(entry['verdict'])}</strong>.</p>"
        + tables.external_validation(entry).to_html()
    )


def robustness(bundle: Bundle, run: Run) -> str:
    """Accuracy on test films under perturbations, such as blur or rotation."""
    table = tables.robustness(run.get("robustness"))
    note = "<p>The same films are compared before and after. A negative loss means that accuracy increased.</p>"
    return table.to_html() + note if table.rows else ""


def shortcuts(bundle: Bundle, run: Run) -> str:
    """Shortcut audit: evidence that the network uses cues outside the lungs."""
    audit = run.get("shortcuts")
    if not audit:
        return ""
    note = (
        "<p>A result that differs much from the second column shows that the network does not read the lungs alone. "
        "The lung boxes are coarse, and the heart and the hila outside them are informative as well.</p>"
    )
    activation = tables.activation(audit.get("activation"))
    return tables.shortcuts(audit).to_html() + note + (activation.to_html() if activation.rows else "")


def test_set_access_log(bundle: Bundle, run: Run) -> str:
    """List of all accesses to the official test set that could have influenced a decision."""
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
"""(heading, function) of each section, in the order of the page."""
