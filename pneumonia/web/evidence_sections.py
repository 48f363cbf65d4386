"""How good the model is, section by section, from the bundle's evaluation alone; what it lacks has no section."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from ..inference.bundle import Bundle
from ..inference.decision import DEFAULT_POINT, OperatingPoint
from . import figures, plots
from .plots import Axes, Line, Mark

Run = Mapping[str, Any]

PROTOCOLS = {
    "official": "official test",
    "grouped80": "80/20 by patient",
    "folds5": "five folds by patient",
}


def run_figures(bundle: Bundle, run: Run) -> str:
    """The served model's figures beside those of this recipe's other protocols."""
    columns = _own_runs(bundle, run)
    head = ["Figure (95 % interval)", *(_column(each) for each in columns)]
    rows = [
        [name, *(figures.shown(key, each["figures"][key]) if key in each["figures"] else "-" for each in columns)]
        for key, name in figures.NAMES.items()
        if key in run["figures"]
    ]
    table = figures.table("Figures with 95 % intervals, resampled by patient", head, rows)
    return table + f"<p>{_FIRST_COLUMN}{_OFFICIAL if any(map(_is_official, columns)) else ''}</p>"


_FIRST_COLUMN = (
    "The first column is the model that answers here: the network alone, every film answered, at the threshold fixed "
    "on validation films. Other columns are models of their own, made the same way and tested on patients that they "
    "had not seen. "
)
_OFFICIAL = (
    "The films of the official test were saved differently from the training films: it is the harder and the more "
    "honest test."
)


def _is_official(run: Run) -> bool:
    return bool(run["protocol"] == "official")


def _own_runs(bundle: Bundle, run: Run) -> list[Run]:
    others = [
        each for each in bundle.evaluation["runs"].values() if each["recipe"] == run["recipe"] and each is not run
    ]
    return [run, *others]


def _column(run: Run) -> str:
    name = PROTOCOLS.get(run["protocol"], str(run["protocol"]))
    films = run.get("films", {}).get("total")
    return f"{name}, {films:,} films" if films else name


def confusion(bundle: Bundle, run: Run) -> str:
    """The confusion matrix at a threshold that a slider moves, in the browser."""
    curve = run.get("curves", {}).get("thresholds")
    if not curve:
        return ""
    counts = run["confusion"]
    ill, well = counts["true_positive"] + counts["false_negative"], counts["true_negative"] + counts["false_positive"]
    at = _nearest(curve["threshold"], run["threshold"])
    data = escape(json.dumps({**curve, "ill": ill, "well": well}), quote=True)
    jumps = "".join(_jump(curve["threshold"], name, point) for name, point in bundle.operating_points.items())
    return f"""<div class="thresholds" data-curve="{data}">
<p class="slide"><label for="threshold">Pneumonia from a probability of
<output data-cell="threshold">{curve["threshold"][at]:.2f}</output></label>
<input id="threshold" type="range" min="0" max="{len(curve["threshold"]) - 1}" value="{at}"></p>
<p class="jumps"><span>Thresholds of</span>{jumps}</p>
{_matrix(curve, at, ill, well)}</div>
<p>Network alone, every film answered. The operating points add a band around their threshold in which the answer is
Unknown.</p>"""


def _jump(thresholds: Sequence[float], name: str, point: OperatingPoint) -> str:
    return f'<button type="button" data-threshold="{_nearest(thresholds, point.threshold)}">{escape(name)}</button>'


def _matrix(curve: Mapping[str, Sequence[float]], at: int, ill: int, well: int) -> str:
    found, alarms = int(curve["true_positive"][at]), int(curve["false_positive"][at])
    cleared = well - alarms
    rates = {"sensitivity": (found, ill), "specificity": (cleared, well), "accuracy": (found + cleared, ill + well)}
    rows = (
        _counts(f"pneumonia ({ill:,})", ("true_positive", found), ("false_negative", ill - found)),
        _counts(f"normal ({well:,})", ("false_positive", alarms), ("true_negative", cleared)),
    )
    return (
        '<div class="scroll"><table class="figures tight confusion">'
        f"<caption>Confusion matrix, {ill + well:,} test films</caption>"
        '<thead><tr><td></td><th scope="col">called Pneumonia</th><th scope="col">called Normal</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        f'<dl class="rates">{"".join(_rate(name, *counts) for name, counts in rates.items())}</dl>'
    )


def _counts(head: str, *cells: tuple[str, int]) -> str:
    shown = "".join(
        f'<td class="{"right" if name.startswith("true") else "wrong"}" data-cell="{name}">{count}</td>'
        for name, count in cells
    )
    return f'<tr><th scope="row">{head}</th>{shown}</tr>'


def _rate(name: str, part: int, whole: int) -> str:
    value = figures.share(part / whole if whole else None)
    return f'<div><dt>{name.capitalize()}</dt><dd data-cell="{name}">{value}</dd></div>'


def _nearest(values: Sequence[float], wanted: float) -> int:
    return min(range(len(values)), key=lambda index: abs(values[index] - wanted))


def operating_points(bundle: Bundle, run: Run) -> str:
    """ROC with the operating points, and what each is worth."""
    rows = [
        [
            f"{name} (default)" if name == DEFAULT_POINT else name,
            *(figures.percent(figure) for figure in found.values()),
        ]
        for name, found in run.get("operating_points", {}).items()
    ]
    head = ["Operating point", "answered", "accuracy of the answered", "their sensitivity", "their specificity"]
    table = figures.table("Operating points", [*head, "right among all films"], rows) if rows else ""
    note = '<p>"Right among all films" counts a refused or undecided film as wrong.</p>' if rows else ""
    return _roc(run.get("curves", {})) + table + note


def _roc(curves: Mapping[str, Any]) -> str:
    if "roc" not in curves:
        return ""
    roc, points = (
        curves["roc"],
        curves.get("operating_points", {"name": [], "false_positive_rate": [], "sensitivity": []}),
    )
    marks = [
        Mark(x, y, name)
        for name, x, y in zip(points["name"], points["false_positive_rate"], points["sensitivity"], strict=True)
    ]
    return plots.plot(
        "ROC",
        "Each point of the curve is a threshold, every film answered; the dashed line is chance.",
        Axes("false alarms (1 - specificity)", "sensitivity"),
        [Line([0, 1], [0, 1], dashed=True), Line(roc["false_positive_rate"], roc["sensitivity"])],
        marks,
    )


def calibration(bundle: Bundle, run: Run) -> str:
    """Said against observed, and what the probabilities take for granted."""
    curve = run.get("curves", {}).get("reliability")
    if not curve:
        return ""
    most = max(curve["count"])
    marks = [
        Mark(said, seen, size=2.5 + 9 * (count / most) ** 0.5)
        for count, said, seen in zip(curve["count"], curve["probability"], curve["observed"], strict=True)
    ]
    drawn = plots.plot(
        "Reliability",
        "Of the films that were given a probability, how many had pneumonia. On the dashed line both agree; the larger "
        "a circle, the more films.",
        Axes("probability said", "had pneumonia"),
        [Line([0, 1], [0, 1], dashed=True), Line(curve["probability"], curve["observed"])],
        marks,
    )
    share = 100 * bundle.calibration.prevalence
    return drawn + (
        f"<p>Probabilities are calibrated where {share:.0f} % of the films show pneumonia. Where it is rarer, the true "
        "probability is lower than the one shown; circles under the line are films that were given too high a one.</p>"
    )


def risk_coverage(bundle: Bundle, run: Run) -> str:
    """What abstaining buys."""
    curve = run.get("curves", {}).get("risk_coverage")
    if not curve:
        return ""
    end = max(0.05, *(0.05 * (int(risk / 0.05) + 1) for risk in curve["risk"]))
    return plots.plot(
        "Risk and coverage",
        "Answering only the films that the network is surest of, from left to right ever more of them: how many of the "
        "answers are wrong.",
        Axes("films answered", "answers wrong", y_end=end),
        [Line(curve["coverage"], curve["risk"])],
    )


def subgroups(bundle: Bundle, run: Run) -> str:
    rows = [
        [kind, f"{facts['films']:,}", figures.percent(facts["right"]), figures.percent(facts["refused"])]
        for kind, facts in run.get("kinds", {}).items()
    ]
    note = "<p>The data set tells bacterial from viral by the films' names; a child's age and sex it does not tell.</p>"
    return (
        figures.table("By kind", ["Films", "how many", "network right", "refused by the gate"], rows) + note
        if rows
        else ""
    )


def gate(bundle: Bundle, run: Run) -> str:
    """What the gate refuses, of images that are no films like those learnt."""
    kinds = (bundle.evaluation.get("gate_kinds") or {}).get("kinds", [])
    rows = [
        [kind["name"], f"{kind['images']:,}", figures.percent(kind["refused"]), figures.share(kind["far"])]
        for kind in kinds
    ]
    head = ["Images", "how many", "refused", "as no chest film"]
    note = (
        "<p>The gate stands before the network: what is unlike the training films gets Unknown, and the network is not "
        "asked. It lets some through that it should not.</p>"
    )
    return note + figures.table("What the gate refuses", head, rows) if rows else ""


def external(bundle: Bundle, run: Run) -> str:
    """Films of other hospitals, each with its verdict."""
    return "".join(map(_elsewhere, bundle.evaluation.get("external") or []))


def _elsewhere(entry: Run) -> str:
    rows = [
        [name, figures.shown(key, entry["figures"][key])]
        for key, name in figures.NAMES.items()
        if key in entry["figures"]
    ]
    service = entry.get("service", {})
    said = {"refused": "Refused by the gate", "warned": "With a warning", "unknown": "Answered Unknown, for any reason"}
    rows += [[text, figures.percent(service[key])] for key, text in said.items() if key in service]
    films = entry["films"]
    return (
        f"<p><strong>{escape(entry['name'])}</strong>, {escape(entry['of'])}: {films['total']:,} films, "
        f"{films['normal']:,} without and {films['total'] - films['normal']:,} with pneumonia by their labels. Nothing "
        f"was chosen by them. Here the model is <strong>{escape(entry['verdict'])}</strong>.</p>"
        + figures.table(entry["name"], ["Figure (95 % interval)", "value"], rows)
    )


def robustness(bundle: Bundle, run: Run) -> str:
    found = run.get("robustness")
    if not found:
        return ""
    rows = [["as it is", figures.percent(found["baseline"]["accuracy"]), "-", *_rest(found["baseline"])]]
    rows += [
        [name, figures.percent(row["accuracy"]), figures.points(row["loss"]), *_rest(row)]
        for name, row in found["changes"].items()
    ]
    head = ["The same films", "accuracy", "points lost", "sensitivity", "specificity", "refused by the gate"]
    return figures.table("Films changed in one way", head, rows) + "<p>Points below 0: the change did good.</p>"


def _rest(row: Run) -> list[str]:
    return [figures.percent(row[key]) for key in ("sensitivity", "specificity", "refused")]


def shortcuts(bundle: Bundle, run: Run) -> str:
    """What the network reads besides lungs."""
    found = run.get("shortcuts")
    if not found:
        return ""
    rows = [["as they are", "-", *_pair(found["baseline"])]]
    rows += [[name, ".500 (chance)", *_pair(row)] for name, row in found.get("hidden", {}).items()]
    rows += [
        [name, "as they are", *_pair(row)] for ways in found.get("swaps", {}).values() for name, row in ways.items()
    ]
    head = ["Films", "AUROC of a network that reads only lungs", "AUROC of this one", "its accuracy"]
    note = (
        "<p>What is far from the second column is not read from the lungs. The boxes of the lungs are coarse, and "
        "heart and hila, which lie outside them, tell something too.</p>"
    )
    return figures.table("Lungs hidden, and cues exchanged between the classes", head, rows) + note + _activation(found)


def _pair(row: Run) -> list[str]:
    return [figures.score(row["auroc"]), figures.percent(row["accuracy"])]


def _activation(found: Run) -> str:
    activation = found.get("activation")
    if not activation:
        return ""
    rows = [["anywhere on the film, by chance", "", figures.share(activation["chance"]), "-"]]
    rows += [
        [f"{name} films", f"{row['count']:,}", figures.share(row["median"]), figures.percent(row["at_least_half"])]
        for name, row in activation["films"].items()
        if row["count"]
    ]
    head = ["Activation inside the lung boxes", "films", "median", "films with half of it or more inside"]
    return figures.table("Where the activation map lies", head, rows)


def looks(bundle: Bundle, run: Run) -> str:
    """Each look at the official test that could have changed a choice."""
    listed = "".join(f"<li>{escape(look)}</li>" for look in bundle.evaluation.get("looks") or [])
    return f"<ol>{listed}</ol>" if listed else ""


Section = Callable[[Bundle, Run], str]

SECTIONS: tuple[tuple[str, Section], ...] = (
    ("How often is it right?", run_figures),
    ("What does a threshold cost?", confusion),
    ("The three operating points", operating_points),
    ("Are the probabilities true?", calibration),
    ("What does Unknown buy?", risk_coverage),
    ("Bacterial, viral, normal", subgroups),
    ("What does the gate refuse?", gate),
    ("Films of other hospitals", external),
    ("Worse films", robustness),
    ("What it reads besides lungs", shortcuts),
    ("Looks at the test", looks),
)
"""Heading and maker of each section, in the order of the tab; a maker gives "" where the bundle lacks its data."""
