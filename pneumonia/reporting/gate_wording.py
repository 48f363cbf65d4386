"""What the gate measured of a refused film, in words."""

from __future__ import annotations

from ..inference.gate_report import GateMeasure, GateReport
from ..inference.gate_views import MIN_CONTRAST
from ..messages import Message, join, message, number

REASONS = {
    ("brightness", "residual"): message("Light and dark are distributed unlike on the training films."),
    ("brightness", "distance"): message("The arrangement of light and dark is rare among the training films."),
    ("brightness", "upside_down"): message("Turned upside down, the image would resemble the training films more."),
    ("edges", "residual"): message(
        "The outlines, such as those of ribs, heart and diaphragm, are unlike those of the training films."
    ),
    ("edges", "distance"): message("The arrangement of the outlines is rare among the training films."),
    ("classifier", "other_population"): message("The film resembles films of patients of another age more."),
    ("classifier", "other_kind"): message(
        "The image resembles other images, such as lateral films, other body regions or photographs, more than frontal "
        "chest films."
    ),
}
"""(view, measure) of the gate -> what it means that the limit is exceeded."""

NAMES = {
    ("brightness", "residual"): message("light and dark: difference from the training films"),
    ("brightness", "distance"): message("light and dark: rarity of the arrangement"),
    ("brightness", "upside_down"): message("light and dark: gain when turned upside down"),
    ("edges", "residual"): message("outlines: difference from the training films"),
    ("edges", "distance"): message("outlines: rarity of the arrangement"),
    ("classifier", "other_population"): message("logarithm of the odds of another age group"),
    ("classifier", "other_kind"): message("logarithm of the odds of another kind of image"),
}
"""(view, measure) of the gate -> its name in a table."""

AVERAGES = {
    "average-of-64-typical-normal-films": message("Average of 64 typical normal films"),
    "average-of-64-typical-pneumonia-films": message("Average of 64 typical pneumonia films"),
}
"""File name of a class average, without extension -> its name."""


def describe_report(report: GateReport) -> str:
    """Why the gate refused the film: the measures that exceed their limits most; "" if none does."""
    if not report.has_contrast:
        return message(
            "The grey levels differ by a standard deviation of {deviation:.1f} of 255. At least {minimum:g} is needed.",
            deviation=report.deviation,
            minimum=MIN_CONTRAST,
        )
    return join(describe_measure(measure) for measure in report.main_measures)


def describe_measure(measure: GateMeasure) -> str:
    """What it means that a measure is above its limit."""
    return REASONS.get((measure.view, measure.name), measure.name)


def measure_name(measure: GateMeasure) -> str:
    """Name of a measure for a table."""
    return NAMES.get((measure.view, measure.name), measure.name)


def average_name(report: GateReport) -> str:
    """Name of the class average that the film resembles most, with the patients of the model; "" without one."""
    if report.average is None:
        return ""
    stem = report.average.path.stem
    return message(
        "{average}, {patients}",
        average=AVERAGES.get(stem) or stem.replace("-", " ").capitalize(),
        patients=report.model.population.description,
    )


def format_measure(value: float) -> Message:
    """A value or a limit of a measure, with three digits."""
    return number(float(f"{value:.3g}"), "g")
