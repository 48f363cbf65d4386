"""Made bundles of both populations whose config and evaluation are those of networks with a lung head.

Graph and gate are the embedded ones; the figures are made up. Every section of card, page and README has data.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pneumonia.evaluation.external import identity
from pneumonia.evaluation.licences import licence_of
from pneumonia.evaluation.test_set_access_log import ACCESS_LOGS
from pneumonia.inference import bundle, sources

Json = dict[str, Any]

SOURCES = {
    "children": {"kermany": 5232, "rsna_normal": 2000},
    "adults": {"siim": 3269, "rsna_normal": 2074},
}
LUNG_TARGETS = {"children": "drawn masks", "adults": "predicted lung fields"}
NAMES = {"children": ("default", "official"), "adults": ("adults", "adults")}
"""Population -> (recipe, protocol) of its bundle."""


def figure(value: float) -> Json:
    """A figure with an interval of two points on each side."""
    return {"value": value, "low": max(value - 0.02, 0.0), "high": min(value + 0.02, 1.0)}


def answers(films: int, correct: float, **aurocs: float) -> Json:
    """Answers to a group of films, of which the share `correct` is answered Normal."""
    shares = {"Normal": correct, "Pneumonia": 0.09, "Unknown": 0.91 - correct}
    shares |= {"answered": 0.09 + correct, "answered_accuracy": correct / (0.09 + correct)}
    return {"films": films, **{name: figure(share) for name, share in {**shares, **aurocs}.items()}}


def audit_entries(model: Json, *, has_masks: bool) -> Json:
    """The entry `audits` of a run, as `pneumonia.evaluation.audits` writes it."""
    changed = {"same": figure(0.981), "missed": 1, "raised": 3}
    auroc = {"auroc": figure(0.612), "lost": figure(0.37)}
    spread = {"count": 90, "median": figure(0.987), "lower_decile": figure(0.84), "at_least_half": figure(0.993)}
    located = {"chance": 0.31, "all": spread, "Normal": {"count": 0}, "Pneumonia": spread}
    dice = {"median": figure(0.93), "percentile_5": figure(0.85)}
    device = {**changed, "auroc": figure(0.9621), "lost": figure(0.0091)}
    frames = {"films": 90, "depths": {"2 %": changed}, "worst": {"frame": "white, 12 %", **changed}}
    frames |= {"all": {"frames": 28, **changed}}
    curve = {"area": {"evidence": figure(0.41), "random": figure(0.52)}, "better": figure(0.77)}
    curves = ("deletion", "insertion", "deletion_to_normal", "insertion_from_normal")
    entries: Json = {
        "model": model,
        "films": {"part": "validation", "total": 90},
        "hidden": {
            "baseline": {"auroc": figure(0.99)},
            "lungs": {"black": auroc, "mean of the film": {**auroc, "auroc": figure(0.643)}},
            "outside": {"black": auroc},
        },
        "border": {"baseline": auroc, "exchanged": auroc, "lost": figure(0.004), **changed},
        "frames": {"network": frames, "service": frames},
        "robustness": perturbed_entry(),
        "devices": {
            "baseline": {"auroc": figure(0.9712), "refused": figure(0.0312)},
            "drawn": {"tube": {**device, "refused": figure(0.0521), "normal_only": figure(0.9533)}},
            "letters_blanked": {
                "count": 31,
                "normal_with_letters": figure(0.2143),
                "pneumonia_with_letters": figure(0.4217),
                **device,
            },
        },
        "deletion": {"films": 50, **dict.fromkeys(curves, curve)},
    }
    if has_masks:
        entries["evidence"] = {"dilated": located, "as_drawn": located, "dice": {"pixels": dice, "cells": dice}}
    else:
        counts = {f"{name} {view}": 40 for name in ("Normal", "Pneumonia") for view in ("AP", "PA")}
        views = {
            "reads_view": {"Normal": figure(0.58), "Pneumonia": figure(0.56)},
            "by_view": {"AP": figure(0.63), "PA": figure(0.6421)},
        }
        views["all"] = figure(0.6733)
        entries["projection"] = {"of": "adults of NIH ChestX-ray14", "films": counts, **views}
    return entries


def perturbed_entry() -> Json:
    """The entry `robustness` of audited films, as `pneumonia.evaluation.robustness` writes it."""
    names = ("accuracy", "sensitivity", "specificity", "refused")
    before, after = (dict(zip(names, map(figure, row), strict=True)) for row in ((0.901, 0.883, 0.914, 0.021), _NOISY))
    loss = {"value": 0.0363, "low": 0.0121, "high": 0.0585}
    return {"side": 224, "threshold": 0.5, "baseline": before, "changes": {"noise 2 %": {**after, "loss": loss}}}


_NOISY = (0.8647, 0.8531, 0.8762, 0.0437)
"""Accuracy, sensitivity, specificity and share refused under noise."""


def nih_entries(models: Json) -> Json:
    """`nih_by_age` and `covid_children`, as `pneumonia.evaluation.external_nih` writes them."""
    network = {"films": 60, "pneumonia": 30, "auroc": figure(0.66), "sensitivity": figure(0.5)}
    network["specificity"] = figure(0.7)
    counts = {"Normal": {"Normal": 20, "Pneumonia": 10}, "Pneumonia": {"Normal": 15, "Pneumonia": 15}}
    group = {"films": 60, "Normal": 30, "Pneumonia": 30, "answers": counts, "answers_without_age": counts}
    both = {"population": "adults", "all": network, "without_contradicted": {**network, "auroc": figure(0.71)}}
    film = {"film": "a.jpg", "answer": "Pneumonia", "probability": 0.93, "answer_without_age": "Pneumonia"}
    return {
        "nih_by_age": {"models": models, "groups": {"18 and over": {**group, "network": both}}},
        "covid_children": {"rows": [film]},
    }


def external_entry(model: Json, run: Json) -> Json:
    """An entry of `external`, as `pneumonia.evaluation.external` writes it; its curve is that of `run`."""
    return {
        "name": "NIH ChestX-ray14",
        "of": "films of another hospital",
        "verdict": "of some use",
        "model": model,
        "films": {"total": 242, "normal": 130, "pneumonia": 112},
        "patients": 170,
        "figures": {"auroc": figure(0.741), "accuracy": figure(0.66), "ece": figure(0.21)},
        "passed": {"films": 200, "accuracy": figure(0.67)},
        "service": {"refused": figure(0.17), "warned": figure(0.05), "unknown": figure(0.31)},
        "reliability": run["curves"]["reliability"],
    }


def routing_entries() -> list[Json]:
    """Entries of `routing`, as `pneumonia.evaluation.routing` writes them."""

    def entry(name: str, children: float, adults: float) -> Json:
        rest = (1 - children - adults) / 2
        shares = {"children": children, "adults": adults, "population_unclear": rest, "refused": rest}
        return {"name": name, "images": 200, **{outcome: figure(share) for outcome, share in shares.items()}}

    return [entry("kermany: viral", 0.97, 0.003), entry("siim: typical", 0.011, 0.95), entry("nih: 6-11", 0.4, 0.3)]


def lung_evaluation(population: str, model: Json) -> Json:
    """The made evaluation of a bundle."""
    embedded: Json = json.loads((sources.EMBEDDED_FOLDER / bundle.EVALUATION).read_bytes())
    recipe, protocol = NAMES[population]
    run = embedded["runs"].pop("default/official")
    run |= {"recipe": recipe, "protocol": protocol, "classes": {"Normal": answers(234, 0.83)}}
    run["classes"]["Pneumonia"] = {**answers(390, 0.83), "Pneumonia": figure(0.93), "Normal": figure(0.02)}
    run["training"] = {**run["training"], "members": 2, "sources": SOURCES[population]}
    run["audits"] = audit_entries(model, has_masks=population == "children")
    if population == "adults":
        run = {key: value for key, value in run.items() if key not in {"robustness", "shortcuts"}}
        run["readings"] = {"typical": answers(400, 0.1, auroc=0.87), "negative": answers(270, 0.7)}
        run["sources"] = {"siim": answers(950, 0.6, auroc=0.843, auroc_typical=0.871)}
        run["sources"]["rsna_normal"] = answers(600, 0.88, auroc=0.961)
        embedded["runs"] = {}
    embedded["runs"][f"{recipe}/{protocol}"] = run
    embedded["test_set_access_log"] = list(ACCESS_LOGS[population])
    embedded |= {"routing": routing_entries(), **nih_entries({population: model})}
    embedded["external"] = [external_entry(model, run)]
    return embedded


def lung_config(population: str) -> Json:
    """The made config of a bundle; `bundle.write_config` adds the files."""
    config, _ = bundle.read_config(sources.EMBEDDED_FOLDER)
    recipe, protocol = NAMES[population]
    config |= {"population": population, "recipe": recipe, "protocol": protocol}
    config["licence"] = licence_of({*SOURCES[population], "lung_masks"})
    config["training_sources"] = list(SOURCES[population])
    config["data"] = {**config["data"], "sources": SOURCES[population], "lung_targets": LUNG_TARGETS[population]}
    if population == "adults":
        aurocs = {"siim": 0.8431, "siim_typical": 0.8712, "healthy": 0.9613}
        config["validation"] = {**config["validation"], "adults": aurocs}
    return config


def write_lung_bundle(folder: Path, population: str) -> Path:
    """Write a made bundle to `folder`, as training leaves it, without a card."""
    config = lung_config(population)
    for name in config["files"]:
        if name != bundle.CARD:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((sources.EMBEDDED_FOLDER / name).read_bytes())
    evaluation = lung_evaluation(population, identity(config))
    (folder / bundle.EVALUATION).write_text(json.dumps(evaluation), encoding="utf-8")
    bundle.write_config(folder, config)
    return folder
