"""Sections of the evidence tab, built from the bundle's evaluation alone.

Each function takes the bundle and its served run of `evaluation.json`. It returns HTML, or "" if the data of its
section is missing. `evidence.html` contains the results.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..evaluation import audit_tables, external_tables, population_tables, summary, tables
from ..evaluation.table import Table
from ..inference import bundle as bundles
from ..inference.bundle import Bundle
from ..inference.decision import point_name
from ..inference.populations import CHILDREN
from ..messages import message
from . import plots
from .confusion_matrix import confusion_matrix
from .plots import Axes, Line, Mark
from .rendering import render_fragment

Run = Mapping[str, Any]


def model_summary(bundle: Bundle, run: Run) -> Markup:
    """The three sentences at the top of the model card, with all intervals."""
    return render_fragment("evidence/summary.html", sentences=summary.sentences(bundle.config, bundle.evaluation))


def limits(bundle: Bundle, run: Run) -> Markup:
    """The section "Limits" of the bundle's model card."""
    text = re.sub(r"\*(\w[^*]*\w)\*", r"\1", card_limits(bundle))  # titles of journals are in italics in the card
    lines = [line for line in text.splitlines()[1:] if line.strip()]
    items = [line.removeprefix("* ") for line in lines if line.startswith("* ")]
    paragraphs = [line for line in lines if not line.startswith("* ")]
    return render_fragment("evidence/limits.html", items=items, paragraphs=paragraphs) if lines else Markup()


def card_limits(bundle: Bundle) -> str:
    """The section "Limits" of the bundle's model card as Markdown; "" if the bundle has no card."""
    if bundles.CARD not in bundle.config["files"]:
        return ""
    card = (bundle.folder / bundles.CARD).read_text(encoding="utf-8")
    match = re.search(r"^## Limits\n.*?(?=^## |\Z)", card, re.DOTALL | re.MULTILINE)
    return match[0].strip() if match else ""


def performance(bundle: Bundle, run: Run) -> Markup:
    """Metrics of the served model, beside those of the same recipe under the other protocols."""
    runs = _runs_of_recipe(bundle, run)
    return render_fragment(
        "evidence/performance.html",
        table=tables.figures(runs),
        has_official_test=any(recipe_run["protocol"] == "official" for recipe_run in runs),
    )


def _runs_of_recipe(bundle: Bundle, run: Run) -> list[Run]:
    """`run`, followed by the other runs of its recipe."""
    runs = bundle.evaluation["runs"].values()
    return [run, *(other for other in runs if other["recipe"] == run["recipe"] and other is not run)]


def thresholds(bundle: Bundle, run: Run) -> Markup:
    """Confusion matrix with a threshold slider."""
    name = bundle.population.name
    slider_id = "threshold" if name == CHILDREN.name else f"threshold-{name}"
    return confusion_matrix(run, bundle.operating_points, slider_id)


def operating_points(bundle: Bundle, run: Run) -> Markup:
    """ROC curve with the operating points, and the performance of each."""
    roc, table = _roc(run.get("curves", {})), tables.operating_points(bundle.config, run)
    return render_fragment("evidence/operating_points.html", roc=roc, table=table) if roc or table.rows else Markup()


def _roc(curves: Mapping[str, Any]) -> Markup:
    if "roc" not in curves:
        return Markup()
    empty: dict[str, list[Any]] = {"name": [], "false_positive_rate": [], "sensitivity": []}
    roc, points = curves["roc"], curves.get("operating_points", empty)
    marks = [
        Mark(x, y, point_name(name))
        for name, x, y in zip(points["name"], points["false_positive_rate"], points["sensitivity"], strict=True)
    ]
    return plots.plot(
        message("ROC"),
        message("Each point of the curve is a threshold at which every film is answered. The dashed line is chance."),
        Axes(message("false positive rate (1 - specificity)"), message("sensitivity")),
        [Line([0, 1], [0, 1], dashed=True), Line(roc["false_positive_rate"], roc["sensitivity"])],
        marks,
    )


def calibration(bundle: Bundle, run: Run) -> Markup:
    """Reliability diagram, with the prevalence to which the probabilities are calibrated."""
    curve = run.get("curves", {}).get("reliability")
    if not curve:
        return Markup()
    largest = max(curve["count"])
    marks = [
        Mark(predicted, observed, size=2.5 + 9 * (count / largest) ** 0.5)
        for count, predicted, observed in zip(curve["count"], curve["probability"], curve["observed"], strict=True)
    ]
    diagram = plots.plot(
        message("Reliability"),
        message(
            "Predicted P(pneumonia) against the share of films with this prediction that had pneumonia. On the "
            "dashed line both are equal. The larger a circle, the more films it represents."
        ),
        Axes(message("predicted P(pneumonia)"), message("observed pneumonia")),
        [Line([0, 1], [0, 1], dashed=True), Line(curve["probability"], curve["observed"])],
        marks,
    )
    return render_fragment("evidence/calibration.html", diagram=diagram, prevalence=bundle.calibration.prevalence)


def risk_coverage(bundle: Bundle, run: Run) -> Markup:
    """Risk-coverage curve: share of wrong answers if only the most certain films are answered."""
    curve = run.get("curves", {}).get("risk_coverage")
    if not curve:
        return Markup()
    y_end = max(0.05, *(0.05 * (int(risk / 0.05) + 1) for risk in curve["risk"]))
    return plots.plot(
        message("Risk and coverage"),
        message(
            "Films are answered in order of the network's certainty, so more films are answered from left to "
            "right. The curve is the share of wrong answers among them."
        ),
        Axes(message("films answered (coverage)"), message("wrong answers (risk)"), y_end=y_end),
        [Line(curve["coverage"], curve["risk"])],
    )


def answers(bundle: Bundle, run: Run) -> Markup:
    """Answers of the service to the films of each class, and for adults by reading and by source."""
    built = [build(run) for build in (population_tables.answers, population_tables.readings, population_tables.sources)]
    return _with_tables("evidence/answers.html", built)


def _with_tables(template: str, built: Sequence[Table]) -> Markup:
    """The template with the tables that have rows; empty if none has."""
    with_rows = [table for table in built if table.rows]
    return render_fragment(template, tables=with_rows) if with_rows else Markup()


def subgroups(bundle: Bundle, run: Run) -> Markup:
    """Results for normal, bacterial and viral films, or for each reading of adult films."""
    table = tables.subgroups(run)
    has_readings = "readings" in run
    return (
        render_fragment("evidence/subgroups.html", table=table, has_readings=has_readings) if table.rows else Markup()
    )


def gate(bundle: Bundle, run: Run) -> Markup:
    """Share of images that the out-of-distribution gate refuses, by kind of image."""
    table = tables.gate_refusals((bundle.evaluation.get("gate_kinds") or {}).get("kinds", []))
    return render_fragment("evidence/gate.html", table=table) if table.rows else Markup()


def routing(bundle: Bundle, run: Run) -> Markup:
    """Which model answers a film whose age nobody states."""
    cross_fit = bundle.evaluation.get("gate_cross_fit", {})
    built = [
        population_tables.routing(message("Films without a stated age"), bundle.evaluation.get("routing", [])),
        population_tables.routing(
            message("Films without a stated age, gates fitted on others"), cross_fit.get("films", [])
        ),
        population_tables.routing(message("Other images, gates fitted without their kind"), cross_fit.get("kinds", [])),
    ]
    return _with_tables("evidence/routing.html", built)


def external_validation(bundle: Bundle, run: Run) -> Markup:
    """Metrics on films of other hospitals, with a verdict for each data set."""
    entries = [(entry, tables.external_validation(entry)) for entry in bundle.evaluation.get("external") or []]
    return render_fragment("evidence/external_validation.html", entries=entries) if entries else Markup()


def external_by_age(bundle: Bundle, run: Run) -> Markup:
    """NIH's films by age and reading, and single films of sick children."""
    return _with_tables("evidence/external_by_age.html", external_tables.external_tables(bundle.evaluation))


def audits(bundle: Bundle, run: Run) -> Markup:
    """Audits: where the evidence lies, lungs erased, borders, frames, devices, projection."""
    return _with_tables("evidence/audits.html", audit_tables.audit_tables(run.get("audits", {})))


def robustness(bundle: Bundle, run: Run) -> Markup:
    """Accuracy on test films under perturbations, such as blur or rotation."""
    table = tables.robustness(run.get("robustness"))
    return render_fragment("evidence/robustness.html", table=table) if table.rows else Markup()


def shortcuts(bundle: Bundle, run: Run) -> Markup:
    """Shortcut audit: evidence that the network uses cues outside the lungs."""
    audit = run.get("shortcuts")
    if not audit:
        return Markup()
    activation = tables.activation(audit.get("activation"))
    has_boxes = (audit.get("activation") or {}).get("region", "lung boxes") == "lung boxes"
    return render_fragment(
        "evidence/shortcuts.html", shortcuts=tables.shortcuts(audit), activation=activation, has_boxes=has_boxes
    )


def test_set_access_log(bundle: Bundle, run: Run) -> Markup:
    """List of all accesses to the test films that could have influenced a decision."""
    entries: Sequence[str] = bundle.evaluation.get("test_set_access_log") or []
    return render_fragment("evidence/test_set_access_log.html", entries=entries) if entries else Markup()


Section = Callable[[Bundle, Run], Markup]

SECTIONS: tuple[tuple[str, Section], ...] = (
    (message("Limits"), limits),
    (message("The model in three sentences of its card"), model_summary),
    (message("Performance"), performance),
    (message("Threshold and confusion matrix"), thresholds),
    (message("Operating points"), operating_points),
    (message("Calibration"), calibration),
    (message("Risk and coverage of Unknown"), risk_coverage),
    (message("Answers to normal and to pneumonia films"), answers),
    (message("Subgroups"), subgroups),
    (message("Out-of-distribution gate"), gate),
    (message("Which model answers without an age"), routing),
    (message("External validation: films of other hospitals"), external_validation),
    (message("Other hospitals, by age and reading"), external_by_age),
    (message("Audits: what the network reads"), audits),
    (message("Robustness to perturbations"), robustness),
    (message("Shortcut audit"), shortcuts),
    (message("Test-set access log"), test_set_access_log),
)
"""(heading, function) of each section, in the order of the page."""
