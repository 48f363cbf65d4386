"""The model card, written from `config.json` and `evaluation.json` alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import data, generalisation, goals, performance, purpose
from .audits import audits
from .generalisation import external_validation
from .network import has_lung_head, network
from .performance import ORIGINAL_METRICS, metrics_at_half
from .purpose import external_summary
from .targets import targets

__all__ = ["ORIGINAL_METRICS", "external_summary", "external_validation", "metrics_at_half", "write"]


def write(config: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """The card as Markdown with YAML front matter. Sections whose data is missing are left out.

    `config` and `evaluation` are the contents of `config.json` and `evaluation.json`.
    """
    name = f"{config['recipe']}/{config['protocol']}"
    runs = evaluation["runs"]
    run, external = runs[name], evaluation.get("external", [])
    parts = [
        f"---\n{purpose.metadata(config, run).to_yaml()}\n---",
        purpose.introduction(config),
        data.training_data(config),
        network(config, run),
        purpose.protocols(config),
        performance.metrics(name, run),
        performance.answers(run),
        performance.subgroups(run),
        _targets(config, evaluation),
        performance.comparison(runs),
        performance.operating_points(config, run),
        performance.calibration(config, runs, run, external),
        performance.validation(config["validation"]) if "validation" in config else "",
        generalisation.gate(config, evaluation.get("gate_kinds")),
        generalisation.routing(evaluation),
        generalisation.robustness(run),
        generalisation.external_validation(external),
        generalisation.external_by_age(evaluation),
        audits(run),
        generalisation.shortcuts(config, run),
        performance.training(runs),
        performance.test_set_access_log(evaluation.get("test_set_access_log", [])),
        purpose.limits(config, run, external),
        data.licence_and_citation(config),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _targets(config: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """Targets that were set before training. Networks with and without a lung head have different ones."""
    if has_lung_head(config):
        return goals.section(config, evaluation)
    if config["protocol"] != "official":
        return ""
    runs = evaluation["runs"]
    kinds = evaluation.get("gate_kinds", {"kinds": []})["kinds"]
    return targets(runs[f"{config['recipe']}/official"], runs.get(f"{config['recipe']}/folds5"), kinds)
