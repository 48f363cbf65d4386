"""The part of the README that comes from the embedded models: which model answers for whom, and how good it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..inference.bundle import Bundle
from ..inference.decision import CLASSES, UNKNOWN
from . import card
from .licences import licence_of_model
from .number_format import METRIC_NAMES, format_metric, score, share
from .table import Table

MARKS = ("<!-- figures: written by pneumonia.evaluation.release -->", "<!-- end of figures -->")
"""Comments before and after the tables in the README."""

_COLUMNS = {
    "official": "{population}: official test ({films} films)",
    "folds5": "{population}: five folds by patient",
    "adults": "{population}: held-out fifth ({films} films)",
}
"""Protocol -> heading of its column."""

_METRICS = ("accuracy", "sensitivity", "specificity", "auroc")


def figures_for_readme(bundles: Sequence[Bundle]) -> str:
    """Markdown between `MARKS`: table of the models, table of their figures, and what they are worth elsewhere."""
    runs = dict(_columns(bundles))
    rows: list[list[str]] = [
        [METRIC_NAMES[name], *(format_metric(name, run["figures"][name]) for run in runs.values())] for name in _METRICS
    ]
    rows += [_same_hospitals(runs.values())] if any("sources" in run for run in runs.values()) else []
    rows += [_answers(name, runs.values()) for name in CLASSES if any("classes" in run for run in runs.values())]
    table = Table("Metrics", ["Metric (95 % interval)", *runs], rows)
    external = [
        f"\n{bundle.population.name.capitalize()}: {sentence}"
        for bundle in bundles
        for sentence in card.external_summary(bundle.evaluation.get("external", []))
    ]
    return "\n".join([MARKS[0], models(bundles).to_markdown(), "", table.to_markdown(), *external, MARKS[1]])


def replace_figures(readme: str, bundles: Sequence[Bundle]) -> str:
    """The text of the README with the part between `MARKS` written again."""
    pattern = re.compile(f"{re.escape(MARKS[0])}.*?{re.escape(MARKS[1])}", re.DOTALL)
    return pattern.sub(lambda _: figures_for_readme(bundles), readme)


_NOT_IN_CARE = " Not for use in care."


def models(bundles: Sequence[Bundle]) -> Table:
    """One row for each model: its patients, licence and card."""
    rows = []
    for bundle in bundles:
        licence, name = licence_of_model(bundle.config), bundle.population.name
        rows.append(
            [
                name,
                bundle.population.description,
                f"{licence['name']}. {licence['terms']}{_NOT_IN_CARE if licence['non_commercial'] else ''}",
                f"[model card](pneumonia/models/{name}/README.md)",
            ]
        )
    return Table("Models", ["Model", "Answers for", "Licence of the weights", "Everything that was measured"], rows)


def _columns(bundles: Sequence[Bundle]) -> Iterator[tuple[str, Any]]:
    """(heading, run) of each column."""
    for bundle in bundles:
        for protocol, heading in _COLUMNS.items():
            run = bundle.evaluation["runs"].get(f"{bundle.config['recipe']}/{protocol}")
            if run is not None:
                films = f"{run['films']['total']:,}" if "films" in run else ""
                yield heading.format(population=bundle.population.name, films=films), run


def _same_hospitals(runs: Any) -> list[str]:
    """The AUROC of SIIM's films, the source whose classes are from the same hospitals."""
    return [
        "AUROC where both classes are from the same hospitals",
        *(score(run["sources"]["siim"]["auroc"]) if "siim" in run.get("sources", {}) else "-" for run in runs),
    ]


def _answers(name: str, runs: Any) -> list[str]:
    labels = (*CLASSES, UNKNOWN)
    cells = []
    for run in runs:
        answers = run.get("classes", {}).get(name)
        cells.append(" / ".join(share(answers[label]["value"]) for label in labels) if answers else "-")
    return [f"{name} films answered {' / '.join(labels)} by the service", *cells]
