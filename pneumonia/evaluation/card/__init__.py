"""The model card, written from `config.json` and `evaluation.json` alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import performance, purpose, trust
from .numbers import percent, points, score, share, shown, table
from .performance import SEED_TABLE, at_one_half
from .purpose import carried
from .targets import targets
from .trust import external, robustness, shortcuts

__all__ = [
    "SEED_TABLE",
    "at_one_half",
    "carried",
    "external",
    "percent",
    "points",
    "robustness",
    "score",
    "share",
    "shortcuts",
    "shown",
    "table",
    "write",
]


def write(config: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """The card's Markdown, front matter included; a section whose data is missing is left out."""
    served = f"{config['recipe']}/{config['protocol']}"
    runs = evaluation["runs"]
    run, elsewhere = runs[served], evaluation.get("external", [])
    parts = [
        f"---\n{purpose.metadata(run).to_yaml()}\n---",
        purpose.introduction(config),
        purpose.training_data(config),
        purpose.PROTOCOLS,
        performance.figures(served, run),
        performance.kinds(run),
        _targets(config, evaluation) if config["protocol"] == "official" else "",
        performance.comparison(runs),
        performance.operating_points(config, run),
        performance.calibration(config, runs, run, elsewhere),
        performance.validation(config["validation"]) if "validation" in config else "",
        trust.gate(config, evaluation.get("gate_kinds")),
        trust.robustness(run),
        trust.external(elsewhere),
        trust.shortcuts(run),
        performance.training(runs),
        performance.looks(evaluation["looks"]),
        purpose.limits(run, elsewhere),
        purpose.citation(config),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _targets(config: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    runs = evaluation["runs"]
    kinds = evaluation.get("gate_kinds", {"kinds": []})["kinds"]
    return targets(runs[f"{config['recipe']}/official"], runs.get(f"{config['recipe']}/folds5"), kinds)
