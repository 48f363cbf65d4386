"""The tables of a validation's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..evaluation.number_format import percent, score, share
from ..evaluation.table import Table
from ..inference.decision import CLASSES, REASONS, UNKNOWN
from ..messages import Message, message, number
from .site_films import PROBLEMS, Problem

_NAMES = {
    "sensitivity": message("Sensitivity"),
    "specificity": message("Specificity"),
    "ppv": message("Positive predictive value"),
    "npv": message("Negative predictive value"),
    "accuracy": message("Accuracy"),
}

_PROPERTIES = {"model": message("Model"), "age": message("Age"), "sex": message("Sex"), "site": message("Site")}

_DRIFT = {
    "score: Normal": message("P(pneumonia) of normal films"),
    "score: Pneumonia": message("P(pneumonia) of films with pneumonia"),
    "resemblance": message("Gate: resemblance to the training films"),
    "distance": message("Gate: largest measure as a share of its limit"),
}

_THRESHOLD_STEP = 10
"""The table of thresholds has every tenth hundredth; the JSON has all."""

NONE = "-"


def films(counts: Mapping[str, Any]) -> Table:
    """Numbers of files, labels, films and patients, and of each kind of problem."""
    rows = [
        (message("Files received"), counts["received"]),
        (message("Films with a label"), counts["labelled"]),
        (message("Films that count here"), counts["used"]),
        (message("Normal films"), counts["classes"]["Normal"]),
        (message("Films with pneumonia"), counts["classes"]["Pneumonia"]),
        (message("Files that could not be read; they count as wrong"), counts["unreadable"]),
        (message("Patients"), counts["patients"]),
        (message("Films that were not reached, because the run was stopped"), counts["not_reached"] or None),
    ]
    rows += [(PROBLEMS[code], count) for code, count in counts["problems"].items()]
    cells = [[name, number(count)] for name, count in rows if count is not None]
    return Table(message("Number of files and films"), [message("What"), message("Number")], cells)


def answers(service: Mapping[str, Any]) -> Table:
    """The answers by label."""
    columns = [message("Your label"), *CLASSES, UNKNOWN, message("All")]
    rows = []
    for name in CLASSES:
        counts = service["answers"][name]
        values = [counts.get(answer, 0) for answer in (*CLASSES, UNKNOWN)]
        rows.append([name, *(number(value) for value in (*values, sum(values)))])
    return Table(message("Answers of the service by label"), columns, rows)


def reasons(counts: Mapping[str, Mapping[str, int]]) -> Table:
    """Films without an answer by reason."""
    columns = [message("Reason for no answer"), *CLASSES]
    rows = [[_reason(code), *(number(labels.get(name, 0)) for name in CLASSES)] for code, labels in counts.items()]
    return Table(message("Films without an answer"), columns, rows)


def _reason(code: str) -> str:
    if code in REASONS:
        return REASONS[code]
    return message("The file could not be read ({code}).", code=code)


def shares(figures: Mapping[str, Any]) -> Table:
    """Sensitivity and the others, of answered films and of all, with Wilson's interval and, with patients, theirs."""
    rows = [(message("Films with an answer"), figures["coverage"])]
    for name, figure in figures["answered"].items():
        rows.append((message("{figure}, answered films", figure=_NAMES[name]), figure))
    for name, figure in figures["all"].items():
        rows.append((message("{figure}, no answer counts as wrong", figure=_NAMES[name]), figure))
    has_patients = any(figure["patient_low"] is not None for _, figure in rows)
    columns = [message("Figure"), message("Value"), message("Films"), message("Interval 95 %")]
    columns += [message("By patient 95 %")] if has_patients else []
    cells = [[name, *_share_cells(figure, with_patients=has_patients)] for name, figure in rows]
    return Table(message("Sensitivity, specificity and predictive values"), columns, cells)


def _share_cells(figure: Mapping[str, Any], *, with_patients: bool) -> list[str]:
    cells: list[str] = [
        share(figure["value"]),
        message("{hits:,} of {films:,}", hits=figure["hits"], films=figure["films"]),
        _interval(figure["low"], figure["high"]),
    ]
    return [*cells, _interval(figure["patient_low"], figure["patient_high"])] if with_patients else cells


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return NONE
    return message("{low:.1f}-{high:.1f} %", low=100 * low, high=100 * high)


def values(service: Mapping[str, Any]) -> Table:
    """Predictive values at the stated prevalence."""
    prevalence = service["at_prevalence"]["prevalence"]
    caption = message("Predictive values if {share:.0f} % of the patients have pneumonia", share=100 * prevalence)
    rows = [
        [message("Of 100 answers Pneumonia, right are about"), *_value_cells(service["at_prevalence"]["ppv"])],
        [message("Of 100 answers Normal, right are about"), *_value_cells(service["at_prevalence"]["npv"])],
    ]
    return Table(caption, [message("Answer"), message("Number"), message("Range")], rows)


def _value_cells(figure: Mapping[str, Any]) -> list[str]:
    if figure["value"] is None:
        return [NONE, NONE]
    low, high = (100 * (figure[bound] or 0) for bound in ("low", "high"))
    return [number(100 * figure["value"], ".0f"), message("{low:.0f} to {high:.0f}", low=low, high=high)]


def beside_the_card(entry: Mapping[str, Any]) -> Table:
    """Sensitivity, specificity, share with an answer, and AUROC, beside the card's."""
    card = entry["card"].get("operating_point") or {}
    own = entry["shares"]
    rows: list[list[str]] = [
        [_NAMES[name], percent(own["answered"][name]), _percent_or_none(card.get(f"answered_{name}"))]
        for name in ("sensitivity", "specificity")
    ]
    rows.append([message("Films with an answer"), percent(own["coverage"]), _percent_or_none(card.get("coverage"))])
    auroc, card_auroc = entry["discrimination"].get("auroc"), entry["card"].get("auroc")
    rows.append([message("AUROC"), score(auroc) if auroc else NONE, score(card_auroc) if card_auroc else NONE])
    rows.append([message("Films"), number(entry["films"]), _number(entry["card"].get("films"))])
    caption = message("Beside the model's card, at {point}", point=entry["operating_point"])
    return Table(caption, [message("Figure"), message("Your films"), message("Card")], rows)


def _percent_or_none(figure: Mapping[str, Any] | None) -> str:
    return percent(figure) if figure else NONE


def calibration(entry: Mapping[str, Any]) -> Table:
    """Slope, intercept, ECE and Brier score."""
    own = entry["calibration"]
    rows: list[list[str]] = [
        [message("Slope; 1 is ideal, below 1 the probabilities are too extreme"), _signed(own["slope"])],
        [message("Intercept; 0 is ideal, above 0 pneumonia is more frequent than stated"), _signed(own["intercept"])],
        [message("Expected calibration error (15 bins); 0 is ideal"), score(own["ece"])],
        [message("Brier score; 0 is ideal"), score(own["brier"])],
    ]
    caption = message("Calibration at the {share:.0f} % of pneumonia among your films", share=100 * own["prevalence"])
    return Table(caption, [message("Figure"), message("Value")], rows)


def _signed(figure: Mapping[str, float | None]) -> str:
    if figure["value"] is None:
        return message("not measurable: a threshold separates the classes")
    if figure["low"] is None or figure["high"] is None:
        return number(figure["value"], ".2f")
    return message("{value:.2f} ({low:.2f} to {high:.2f})", **figure)


def thresholds(entry: Mapping[str, Any]) -> Table:
    """Sensitivity and specificity at thresholds of P(pneumonia)."""
    table = entry["thresholds"]
    rows = []
    for index in range(_THRESHOLD_STEP, 100, _THRESHOLD_STEP):
        true, false = table["true_positive"][index], table["false_positive"][index]
        sensitivity = true / table["pneumonia"] if table["pneumonia"] else None
        specificity = 1 - false / table["normal"] if table["normal"] else None
        rows.append([number(index, "d"), share(sensitivity), share(specificity), number(true + false)])
    columns = [
        message("P(pneumonia) at least, %"),
        _NAMES["sensitivity"],
        _NAMES["specificity"],
        message("Films at or above"),
    ]
    return Table(message("Thresholds on your films"), columns, rows)


def local(entry: Mapping[str, Any]) -> Table:
    """The local operating point, and its cross-fitted figures."""
    own = entry["local"]
    point, fit = own["operating_point"], own["recalibration"]
    rows: list[list[str]] = [
        [message("Normal below P(pneumonia) of"), _probability(point["low"])],
        [message("Threshold"), _probability(point["threshold"])],
        [message("Pneumonia above P(pneumonia) of"), _probability(point["high"])],
        [message("Recalibration: slope"), number(fit["slope"], ".3f")],
        [message("Recalibration: intercept"), number(fit["intercept"], ".3f")],
    ]
    if cross_fitted := own["cross_fitted"]:
        rows += [
            [message("Sensitivity if every film is answered"), percent(cross_fitted["forced"]["sensitivity"])],
            [message("Specificity if every film is answered"), percent(cross_fitted["forced"]["specificity"])],
            [message("Sensitivity, answered films"), percent(cross_fitted["with_unknown"]["answered"]["sensitivity"])],
            [message("Specificity, answered films"), percent(cross_fitted["with_unknown"]["answered"]["specificity"])],
            [message("Films with an answer"), percent(cross_fitted["with_unknown"]["coverage"])],
        ]
    return Table(message("Local operating point"), [message("What"), message("Value")], rows)


def _probability(value: float) -> str:
    return message("{value:.1f} %", value=100 * value)


def sample_size(entry: Mapping[str, Any]) -> Table:
    """Films that are needed for intervals of five points."""
    rows = [
        [_NAMES[name], number(row["answered"]), _number(row["needed"]), _number(row["to_add"])]
        for name, row in entry["sample_size"].items()
    ]
    columns = [message("For"), message("Answered films"), message("Needed"), message("Films to add")]
    return Table(message("Films for an interval of 5 points on each side"), columns, rows)


def _number(value: int | None) -> str:
    return NONE if value is None else number(value)


def drift(entry: Mapping[str, Any]) -> Table:
    """Kolmogorov-Smirnov tests of scores and gate measures."""
    rows = []
    for name, row in entry["drift"].items():
        films, card_films = number(row["films"]), _number(row["card_films"])
        if row["statistic"] is None:
            rows.append([_DRIFT[name], films, card_films, NONE, message("no reference in this bundle")])
        else:
            rows.append([_DRIFT[name], films, card_films, number(row["statistic"], ".3f"), _p_value(row["p_value"])])
    columns = [message("Distribution"), message("Your films"), message("Card"), message("Largest distance"), "p"]
    return Table(message("Drift against the card (Kolmogorov-Smirnov)"), columns, rows)


def _p_value(value: float) -> Message:
    return message("below {limit}", limit=number(0.001, ".3f")) if value < 0.001 else number(value, ".3f")


def subgroups(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Figures by group."""
    columns = [
        message("Group"),
        message("Films"),
        message("With pneumonia"),
        message("With an answer"),
        _NAMES["sensitivity"],
        _NAMES["specificity"],
        message("AUROC"),
    ]
    cells = []
    for row in rows:
        own = row["shares"]
        cells.append(
            [
                message("{property}: {value}", property=_PROPERTIES[row["by"]], value=row["group"]),
                number(row["films"]),
                number(row["pneumonia"]),
                share(own["coverage"]["value"]),
                percent(own["answered"]["sensitivity"]),
                percent(own["answered"]["specificity"]),
                score(row["auroc"], 2) if row["auroc"] else NONE,
            ]
        )
    return Table(message("Figures by group; sensitivity and specificity of answered films"), columns, cells)


def problems(listed: Sequence[Problem]) -> Table:
    """Files and rows that were not used, with the reason."""
    columns = [message("File or row"), message("Reason")]
    return Table(message("Not used"), columns, [[problem.file, problem.message] for problem in listed])
