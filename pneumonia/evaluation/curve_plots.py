"""Pictures for a run folder, drawn from the numbers of `evaluation.json` and the training history."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#999999"
"""Of the Okabe-Ito palette, which colour-blind readers can tell apart."""


def curves(run: Mapping[str, Any]) -> bytes:
    """ROC, precision-recall, reliability, risk-coverage and, where measured, robustness of one run, as a PNG."""
    rows = 3 if "robustness" in run else 2
    figure = Figure(figsize=(10, 4.5 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, 2)
    axes = {place: figure.add_subplot(grid[place]) for place in np.ndindex(2, 2)}
    found, numbers = run["curves"], run["figures"]
    roc, recall, reliability, risk = (
        found[name] for name in ("roc", "precision_recall", "reliability", "risk_coverage")
    )
    _line(axes[0, 0], roc["false_positive_rate"], roc["sensitivity"], "false positive rate", "sensitivity")
    axes[0, 0].set_title(f"ROC, area {numbers['auroc']['value']:.3f}")
    _mark(axes[0, 0], found["operating_points"])
    _line(axes[0, 1], recall["sensitivity"], recall["precision"], "sensitivity", "precision")
    axes[0, 1].set_title(f"Precision-recall, area {numbers['auprc']['value']:.3f}")
    axes[1, 0].plot([0, 1], [0, 1], color=GREY, linestyle="--")
    _line(axes[1, 0], reliability["probability"], reliability["observed"], "said probability", "had pneumonia", "o-")
    axes[1, 0].set_title(f"Reliability, ECE {numbers['ece']['value']:.3f}")
    _line(axes[1, 1], risk["coverage"], risk["risk"], "share of films answered", "error among them")
    axes[1, 1].set_title("Risk and coverage, network alone")
    if "robustness" in run:
        _losses(figure.add_subplot(grid[2, :]), run["robustness"]["changes"])
    return _png(figure)


def history(rows: Sequence[Mapping[str, float]]) -> bytes:
    """Loss and accuracy over the epochs of all members, one after the other, as a PNG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    epochs = range(1, len(rows) + 1)
    loss.plot(epochs, [row["loss"] for row in rows], color=ORANGE, label="training (augmented, smoothed labels)")
    loss.plot(epochs, [row["validation_loss"] for row in rows], color=BLUE, label="validation")
    loss.set(xlabel="epoch", ylabel="binary cross-entropy")
    loss.legend()
    accuracy.plot(epochs, [row["validation_accuracy"] for row in rows], color=BLUE)
    accuracy.set(xlabel="epoch", ylabel="validation accuracy at 0.5")
    return _png(figure)


def _line(axes: Axes, x: Sequence[float], y: Sequence[float], x_name: str, y_name: str, style: str = "-") -> None:
    axes.plot(x, y, style, color=BLUE)
    axes.set(xlabel=x_name, ylabel=y_name)
    axes.grid(alpha=0.3)


def _mark(axes: Axes, points: Mapping[str, Sequence[Any]]) -> None:
    """The operating points, each with its name."""
    for name, x, y in zip(points["name"], points["false_positive_rate"], points["sensitivity"], strict=True):
        axes.plot(x, y, "o", color=ORANGE)
        axes.annotate(name, (x, y), xytext=(2, -6), textcoords="offset points", rotation=-35, va="top")


def _losses(axes: Axes, changes: Mapping[str, Any]) -> None:
    """A bar a change, in points of accuracy, with its interval."""
    lost = [{name: 100 * value for name, value in row["loss"].items()} for row in changes.values()]
    values = [row["value"] for row in lost]
    # A percentile interval need not hold its value.
    sides = [[max(row["value"] - row["low"], 0) for row in lost], [max(row["high"] - row["value"], 0) for row in lost]]
    axes.barh(list(changes), values, xerr=sides, color=BLUE, ecolor=GREY, capsize=3)
    axes.axvline(0, color=GREY)
    axes.invert_yaxis()
    axes.set(xlabel="points of accuracy lost, with 95 % interval", title="Robustness, network alone")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
