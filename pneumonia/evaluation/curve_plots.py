"""Plots for a run folder, as PNG, drawn from `evaluation.json` and the training history."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#999999"
"""From the Okabe-Ito palette, which colour-blind readers can distinguish."""


def curves(run: Mapping[str, Any]) -> bytes:
    """PNG with ROC, precision-recall, reliability and risk-coverage of one run, and its robustness if measured."""
    rows = 3 if "robustness" in run else 2
    figure = Figure(figsize=(10, 4.5 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, 2)
    axes = {cell: figure.add_subplot(grid[cell]) for cell in np.ndindex(2, 2)}
    curves_by_name, metrics = run["curves"], run["figures"]
    roc, recall, reliability, risk = (
        curves_by_name[name] for name in ("roc", "precision_recall", "reliability", "risk_coverage")
    )
    _line(axes[0, 0], roc["false_positive_rate"], roc["sensitivity"], "false positive rate", "sensitivity")
    axes[0, 0].set_title(f"ROC, area {metrics['auroc']['value']:.3f}")
    _mark(axes[0, 0], curves_by_name["operating_points"])
    _line(axes[0, 1], recall["sensitivity"], recall["precision"], "sensitivity", "precision")
    axes[0, 1].set_title(f"Precision-recall, area {metrics['auprc']['value']:.3f}")
    axes[1, 0].plot([0, 1], [0, 1], color=GREY, linestyle="--")
    predicted, observed = reliability["probability"], reliability["observed"]
    _line(axes[1, 0], predicted, observed, "predicted P(pneumonia)", "observed pneumonia", "o-")
    axes[1, 0].set_title(f"Reliability, ECE {metrics['ece']['value']:.3f}")
    _line(axes[1, 1], risk["coverage"], risk["risk"], "coverage (films answered)", "risk (error among them)")
    axes[1, 1].set_title("Risk and coverage, network without the gate")
    if "robustness" in run:
        _accuracy_losses(figure.add_subplot(grid[2, :]), run["robustness"]["changes"])
    return _png(figure)


def history(rows: Sequence[Mapping[str, float]]) -> bytes:
    """PNG with loss and accuracy by epoch. The epochs of the ensemble members follow one another."""
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
    """Operating points with their names."""
    for name, x, y in zip(points["name"], points["false_positive_rate"], points["sensitivity"], strict=True):
        axes.plot(x, y, "o", color=ORANGE)
        axes.annotate(name, (x, y), xytext=(2, -6), textcoords="offset points", rotation=-35, va="top")


def _accuracy_losses(axes: Axes, perturbations: Mapping[str, Any]) -> None:
    """One bar with its interval for each perturbation, in points of accuracy."""
    losses = [{name: 100 * value for name, value in row["loss"].items()} for row in perturbations.values()]
    values = [loss["value"] for loss in losses]
    # A percentile interval does not always contain the value.
    lower = [max(loss["value"] - loss["low"], 0) for loss in losses]
    upper = [max(loss["high"] - loss["value"], 0) for loss in losses]
    axes.barh(list(perturbations), values, xerr=[lower, upper], color=BLUE, ecolor=GREY, capsize=3)
    axes.axvline(0, color=GREY)
    axes.invert_yaxis()
    axes.set(xlabel="points of accuracy lost, with 95 % interval", title="Robustness, network without the gate")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
