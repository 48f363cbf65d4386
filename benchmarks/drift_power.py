"""False alarms and detections of the drift rules: how often `pneumonia.monitoring.drift` is right.

    python -m benchmarks.drift_power [--repetitions 1000] [--years 100] [--data DATA [--films 600]] [--model M]

Without `--data` it draws samples from the card's own distributions, so every alarm is a false one: one table for
single reports, one for a year in which somebody looks every week. With `--data` (docs/data.md) it also changes
validation films and reads them with the whole pipeline: half of the unchanged films take the place of the card, the
films of the other half are changed and compared. No test film is used. The seed is fixed; 15 minutes on two cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pneumonia import Predictor, load_predictor
from pneumonia.command_line import entry_point
from pneumonia.evaluation.audit_films import load_audit_films
from pneumonia.evaluation.perturbations import UNCHANGED, perturb
from pneumonia.evaluation.reference_measures import DISTANCE, RESEMBLANCE
from pneumonia.inference.model import Model
from pneumonia.inference.reading import Reading
from pneumonia.monitoring.drift import (
    LARGE,
    PSI_LARGE,
    PSI_SHIFT,
    SHIFT,
    Comparison,
    compare_measures,
    compare_scores,
    compare_shares,
)
from pneumonia.monitoring.histograms import SCORE
from pneumonia.monitoring.reference import Counts, Reference, histogram
from pneumonia.monitoring.summary import REFUSED_SHARE

SIZES = (50, 100, 200, 500, 1000)
"""Numbers of films of a report."""

SHARES = (0.05, 0.15, 0.4)
"""Shares of pneumonia at a site; the card's are 42 % (adults) and 62 % (children)."""

WEEKLY = (10, 50)
"""Films a week, for the year of weekly looks."""

WEEKS, WINDOW = 52, 13
"""Looks in a year, and weeks of one report."""

DETECTION_SIZES = (50, 100, 400)
SAMPLES = 200
"""Samples of a size that are drawn for a rate of detection."""

CHANGES = (
    *(UNCHANGED, "blur 1 px", "sharpening", "noise 2 %", "gamma 0.6", "gamma 1.6", "contrast 50 %"),
    *("crop 10 %", "rotation 5 degrees", "downscaling to 90 px"),
)
INVERTED, THIRD = "inverted", "a third with gamma 0.6"
"""Changes beside those of the audits: all films inverted, and a third of the films from a device that is brighter."""

AGES = {"children": 3.0, "adults": 45.0}
"""Population -> an age of it, with which its films are read."""

Generator = np.random.Generator
Report = Mapping[str, Comparison]


@dataclass(frozen=True)
class Site:
    """Histograms of a site's films: scores, measures of the accepted films, and how many were refused."""

    scores: Counts
    measures: Mapping[str, Counts]
    refused: int
    films: int

    def __add__(self, other: Site) -> Site:
        measures = {name: counts + other.measures[name] for name, counts in self.measures.items()}
        return Site(self.scores + other.scores, measures, self.refused + other.refused, self.films + other.films)


def compare(site: Site, card: Reference) -> Report:
    """The comparisons of a report, as `monitoring.summary` makes them."""
    return {
        SCORE: compare_scores(site.scores, card.scores),
        **{name: compare_measures(site.measures[name], counts) for name, counts in card.measures.items()},
        REFUSED_SHARE: compare_shares(site.refused, site.films, card.refused, card.films),
    }


def is_alarm(report: Report) -> bool:
    return any(comparison.result in {SHIFT, LARGE} for comparison in report.values())


def draw_site(truth: Reference, films: int, share: float, random: Generator) -> Site:
    """Films of the card's own distributions, with another share of pneumonia."""
    rows = truth.scores / truth.scores.sum(axis=1, keepdims=True)
    refused = int(random.binomial(films, truth.refused / truth.films))
    accepted = films - refused
    scores = random.multinomial(accepted, (1 - share) * rows[0] + share * rows[1])
    measures = {name: random.multinomial(accepted, counts / counts.sum()) for name, counts in truth.measures.items()}
    return Site(scores, measures, refused, films)


def draw_card(truth: Reference, random: Generator) -> Reference:
    """Another card of as many films: a card is a sample too."""
    scores = np.stack([random.multinomial(row.sum(), row / row.sum()) for row in truth.scores])
    measures = {name: random.multinomial(row.sum(), row / row.sum()) for name, row in truth.measures.items()}
    refused = int(random.binomial(truth.films, truth.refused / truth.films))
    return Reference(scores, measures, truth.probabilities, truth.films, refused)


def print_false_alarms(name: str, truth: Reference, repetitions: int) -> None:
    """Share of reports with a false alarm, by the number of films; beside it the usual bounds without a test."""
    random = np.random.default_rng(0)
    print(f"\nFalse alarms of one report, model for {name}, {repetitions:,} reports each\n")
    print("| films | share of pneumonia | any alarm | score index >= .1 alone | >= .25 alone | 95 % of indices below |")
    print("|---|---|---|---|---|---|")
    for films in SIZES:
        for share in SHARES:
            reports = [
                compare(draw_site(truth, films, share, random), draw_card(truth, random)) for _ in range(repetitions)
            ]
            indices = np.array([report[SCORE].index or 0.0 for report in reports])
            cells = (
                *(f"{films:,}", f"{share:.0%}", f"{np.mean([is_alarm(report) for report in reports]):.2%}"),
                *(f"{np.mean(indices >= bound):.1%}" for bound in (PSI_SHIFT, PSI_LARGE)),
                f"{np.quantile(indices, 0.95):.3f}",
            )
            print(f"| {' | '.join(cells)} |", flush=True)


def print_year(name: str, truth: Reference, years: int) -> None:
    """Share of years with a false alarm if somebody looks at the last 13 weeks in each week."""
    random = np.random.default_rng(1)
    print(f"\nYears with a false alarm, model for {name}, {WEEKS} looks at {WINDOW} weeks, {years:,} years each\n")
    print("| films a week | years with an alarm |\n|---|---|")
    for films in WEEKLY:
        alarms = [has_alarm_in_year(truth, films, random) for _ in range(years)]
        print(f"| {films} | {np.mean(alarms):.1%} |", flush=True)


def has_alarm_in_year(truth: Reference, films: int, random: Generator) -> bool:
    card = draw_card(truth, random)
    weeks = [draw_site(truth, films, SHARES[1], random) for _ in range(WEEKS + WINDOW - 1)]
    for start in range(WEEKS):
        first, *others = weeks[start : start + WINDOW]
        if is_alarm(compare(sum(others, first), card)):
            return True
    return False


def print_detections(predictor: Predictor, model: Model, data: Path, films: int) -> None:
    """Share of samples of changed films that are called drift, by the number of films."""
    name = str(model.population.name)
    audit = load_audit_films(data, model.population, quiet=True)
    chosen = audit.subset(np.random.default_rng(2).permutation(len(audit.labels))[:films])
    half = len(chosen.labels) // 2
    kept, changed = np.arange(half), np.arange(half, len(chosen.labels))
    card = reference_of(read_films(predictor, chosen.inputs[kept], AGES[name]), chosen.labels[kept])
    embedded = Reference.of(model.bundle)
    columns = [f"{size} films" for size in DETECTION_SIZES]
    print(
        f"\nDetection of changed films, model for {name}: {len(changed)} validation films, the card is {half} others\n"
    )
    print(f"| change | refused | inverted copy read | {' | '.join(columns)} | {DETECTION_SIZES[-1]}, embedded card |")
    print("|---" * (len(columns) + 4) + "|")
    for change, inputs in changes(chosen.inputs[changed]):
        readings = read_films(predictor, inputs, AGES[name])
        random = np.random.default_rng(3)
        rates = [detection_rate(readings, card, size, random) for size in DETECTION_SIZES]
        rates.append(detection_rate(readings, embedded, DETECTION_SIZES[-1], random) if embedded else float("nan"))
        refused = np.mean([reading.refusal is not None for reading in readings])
        inverted = np.mean([reading.inverted for reading in readings])
        cells = (change, f"{refused:.0%}", f"{inverted:.0%}", *(f"{rate:.0%}" for rate in rates))
        print(f"| {' | '.join(cells)} |", flush=True)


def changes(inputs: npt.NDArray[np.uint8]) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Each change with the changed films `[N, 150, 150]`."""
    for name in CHANGES:
        yield name, perturb(inputs, name)
    yield INVERTED, 255 - inputs
    mixed = inputs.copy()
    mixed[::3] = perturb(inputs[::3], "gamma 0.6")
    yield THIRD, mixed


def read_films(predictor: Predictor, inputs: npt.NDArray[np.uint8], age: float) -> list[Reading]:
    """Read films as the service does, with the age of their patients."""

    def read(source: npt.NDArray[np.uint8], _: str | None) -> Reading:
        return predictor.read(source, age)

    results = list(predictor.map_films(list(inputs), read))  # type: ignore[arg-type]
    return [result for result in results if isinstance(result, Reading)]


def site_of(readings: Sequence[Reading]) -> Site:
    """The histograms of readings."""
    accepted = [reading.assessment for reading in readings if reading.probability is not None]
    probabilities = [reading.probability for reading in readings if reading.probability is not None]
    values: dict[str, Callable[[], list[float]]] = {
        DISTANCE: lambda: [each.distance for each in accepted if each is not None],
        RESEMBLANCE: lambda: [each.resemblance for each in accepted if each is not None],
    }
    measures = {name: histogram(name, np.array(get(), float)) for name, get in values.items()}
    scores = histogram(SCORE, np.array(probabilities, float))
    return Site(scores, measures, len(readings) - len(probabilities), len(readings))


def reference_of(readings: Sequence[Reading], labels: npt.NDArray[np.int64]) -> Reference:
    """A card from the readings of labelled films."""
    by_class = [[reading for reading, own in zip(readings, labels, strict=True) if own == label] for label in (0, 1)]
    site = site_of(readings)
    scores = np.stack([site_of(films).scores for films in by_class])
    return Reference(scores, site.measures, (), site.films, site.refused)


def detection_rate(readings: Sequence[Reading], card: Reference, films: int, random: Generator) -> float:
    """Share of samples of so many films that are called drift."""
    drawn = (random.integers(len(readings), size=films) for _ in range(SAMPLES))
    return float(np.mean([is_alarm(compare(site_of([readings[i] for i in each]), card)) for each in drawn]))


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables of each model; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m benchmarks.drift_power", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000, metavar="N", help="reports for each rate")
    parser.add_argument("--years", type=int, default=100, metavar="N", help="years for each rate; 0: none")
    parser.add_argument("--data", type=Path, metavar="DATA", help="folder with the films of docs/data.md")
    parser.add_argument("--films", type=int, default=600, metavar="N", help="validation films of each model")
    parser.add_argument("--model", metavar="M", help="model bundles; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    predictor = load_predictor(options.model, site="")
    for model in predictor.models:
        truth, name = Reference.of(model.bundle), str(model.population.name)
        if truth is not None and options.repetitions:
            print_false_alarms(name, truth, options.repetitions)
        if truth is not None and options.years:
            print_year(name, truth, options.years)
        if options.data is not None:
            print_detections(predictor, model, options.data, options.films)
    return 0


if __name__ == "__main__":
    sys.exit(main())
