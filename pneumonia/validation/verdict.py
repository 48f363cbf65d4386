"""The verdict on one model: three sentences by fixed rules, which docs/validation.md states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..evaluation.number_format import decimal, percent
from .shares import lower_bound, upper_bound

MIN_FILMS = 50
"""Minimum number of films of each class for a judgement: with 50 films, the interval at 90 % is about 17 points wide."""

FEW = 10
"""Below this number of films the first sentence gives no shares."""

MIN_LOWER_BOUND = 0.8
"""Smallest lower bound of sensitivity and of specificity, among answered films, with which the model may be used."""

MIN_AUROC = 0.7
"""Smallest lower bound of the AUROC. Below it another threshold does not help ("acceptable" begins there: Hosmer and
Lemeshow, *Applied Logistic Regression*, chapter 5)."""

MIN_COVERAGE = 0.5
"""Smallest share of films with an answer."""

USE, DO_NOT_USE, TOO_FEW, LOCAL_POINT = VERDICTS = ("use", "do_not_use", "too_few", "local_point")


def verdict(model: Mapping[str, Any]) -> dict[str, Any]:
    """`code`, one of `VERDICTS`, and three `sentences` for the entry of a model in a validation."""
    code, reason = _judge(model)
    return {"code": code, "sentences": [_what_it_did(model), _beside_the_card(model), reason]}


def _judge(model: Mapping[str, Any]) -> tuple[str, str]:
    """The code and the sentence that gives the reason."""
    point, answered = model["operating_point"], model["shares"]["answered"]
    few = [name for name, count in model["classes"].items() if count < MIN_FILMS]
    if few:
        counts = " and ".join(f"{count} {name}" for name, count in model["classes"].items())
        return TOO_FEW, (
            f"Too few films to judge: {counts}; at least {MIN_FILMS} of each class are needed, and {_needed(model)} for "
            "intervals of 5 points on each side."
        )
    auroc = model["discrimination"].get("auroc")
    if auroc is None or (auroc["low"] or 0) < MIN_AUROC:
        low = "-" if auroc is None or auroc["low"] is None else decimal(auroc["low"], 2)
        return DO_NOT_USE, (
            f"Do not use the model here: it hardly separates your films (AUROC may be as low as {low}), so no "
            "threshold helps."
        )
    coverage = model["shares"]["coverage"]
    if coverage["value"] < MIN_COVERAGE:
        return DO_NOT_USE, (
            f"Do not use the model here: it answers only {percent(coverage, interval=False)} of your films."
        )
    weak = [name for name in ("sensitivity", "specificity") if lower_bound(answered[name]) < MIN_LOWER_BOUND]
    if not weak:
        return USE, (
            f"Use it at {point} as a second look: sensitivity and specificity are at least "
            f"{100 * MIN_LOWER_BOUND:.0f} % even at the lower ends of their intervals."
        )
    reason = " and ".join(f"{name} may be as low as {100 * lower_bound(answered[name]):.0f} %" for name in weak)
    if _local_is_better(model):
        return LOCAL_POINT, (
            f"Do not use it at {point} as it is, because {reason}; with the local operating point below both are at "
            f"least {100 * MIN_LOWER_BOUND:.0f} % on films that did not choose it."
        )
    return DO_NOT_USE, f"Do not use it at {point}, because {reason}; the limit is {100 * MIN_LOWER_BOUND:.0f} %."


def _local_is_better(model: Mapping[str, Any]) -> bool:
    local = (model.get("local") or {}).get("cross_fitted")
    if not local:
        return False
    answered, coverage = local["with_unknown"]["answered"], local["with_unknown"]["coverage"]
    bounds = [lower_bound(answered[name]) for name in ("sensitivity", "specificity")]
    return min(bounds) >= MIN_LOWER_BOUND and (coverage["value"] or 0) >= MIN_COVERAGE


def _what_it_did(model: Mapping[str, Any]) -> str:
    answered = model["shares"]["answered"]
    if model["films"] < FEW:
        return f"Few of your films are for the model for {model['population']}: {model['films']}."
    return (
        f"On your {model['films']:,} films ({model['classes']['Pneumonia']:,} with pneumonia) the model for "
        f"{model['population']} answered {percent(model['shares']['coverage'], interval=False)}; among these it "
        f"recognised {percent(answered['sensitivity'])} of the pneumonia films and {percent(answered['specificity'])} "
        "of the normal ones."
    )


def _beside_the_card(model: Mapping[str, Any]) -> str:
    card = model["card"].get("operating_point")
    if not card:
        return "The model's card has no figures to compare with."
    own = model["shares"]["answered"]
    words = {name: _compare(own[name], card[f"answered_{name}"]) for name in ("sensitivity", "specificity")}
    values = {name: percent(card[f"answered_{name}"], interval=False) for name in words}
    return (
        f"Its card says {values['sensitivity']} and {values['specificity']}: your sensitivity is "
        f"{words['sensitivity']}, your specificity {words['specificity']}."
    )


def _compare(own: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    if own["value"] is None or card["value"] is None:
        return "not measurable"
    if upper_bound(own) < card["low"]:
        return "lower"
    return "higher" if lower_bound(own) > card["high"] else "not distinguishable from it"


def _needed(model: Mapping[str, Any]) -> str:
    needed = [row["needed"] for row in model["sample_size"].values() if row["needed"]]
    return f"about {max(needed):,}" if needed else "several hundred"
