"""The verdict on one model in three sentences: what it did, beside its card, and whether to use it, by fixed rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..evaluation.number_format import percent
from ..messages import Message, join, message
from .shares import lower_bound, upper_bound

MIN_FILMS = 50
"""Minimum number of films of each class for a judgement: with 50 films, the interval at 90 % is 17 points wide."""

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

_COMPARISONS: dict[tuple[str, str], Callable[[str], Message]] = {
    ("sensitivity", "lower"): lambda card: message(
        "Your sensitivity is lower than that of the model's card, {card}.", card=card
    ),
    ("sensitivity", "higher"): lambda card: message(
        "Your sensitivity is higher than that of the model's card, {card}.", card=card
    ),
    ("sensitivity", "equal"): lambda card: message(
        "Your sensitivity is not clearly different from that of the model's card, {card}.", card=card
    ),
    ("specificity", "lower"): lambda card: message(
        "Your specificity is lower than that of the model's card, {card}.", card=card
    ),
    ("specificity", "higher"): lambda card: message(
        "Your specificity is higher than that of the model's card, {card}.", card=card
    ),
    ("specificity", "equal"): lambda card: message(
        "Your specificity is not clearly different from that of the model's card, {card}.", card=card
    ),
}


def verdict(model: Mapping[str, Any]) -> dict[str, Any]:
    """`code`, one of `VERDICTS`, and three `sentences` for the entry of a model in a validation."""
    code, reason = _judge(model)
    return {"code": code, "sentences": [_what_it_did(model), _beside_the_card(model), reason]}


def _judge(model: Mapping[str, Any]) -> tuple[str, Message]:
    """The code and the sentence that gives the reason."""
    if min(model["classes"].values()) < MIN_FILMS:
        return TOO_FEW, _too_few(model)
    auroc = model["discrimination"].get("auroc")
    if auroc is None or (auroc["low"] or 0) < MIN_AUROC:
        return DO_NOT_USE, message("Do not use it here: it hardly separates your films, so no threshold helps.")
    if model["shares"]["coverage"]["value"] < MIN_COVERAGE:
        return DO_NOT_USE, message("Do not use it here: it leaves most of your films without an answer.")
    weak = {
        name: bound
        for name in ("sensitivity", "specificity")
        if (bound := lower_bound(model["shares"]["answered"][name])) < MIN_LOWER_BOUND
    }
    if not weak:
        return USE, message(
            "Use it at {point} as a second look: sensitivity and specificity are at least {limit:.0f} % even at the "
            "lower ends of their intervals.",
            point=model["operating_point"],
            limit=100 * MIN_LOWER_BOUND,
        )
    if _local_is_better(model):
        return LOCAL_POINT, join([_weak(model, weak), _local_helps()])
    return DO_NOT_USE, _weak(model, weak)


def _too_few(model: Mapping[str, Any]) -> Message:
    return message(
        "Too few films to judge: {normal:,} normal and {pneumonia:,} with pneumonia; at least {minimum} of each are "
        "needed.",
        normal=model["classes"]["Normal"],
        pneumonia=model["classes"]["Pneumonia"],
        minimum=MIN_FILMS,
    )


def _weak(model: Mapping[str, Any], weak: Mapping[str, float]) -> Message:
    values = {name: 100 * bound for name, bound in weak.items()}
    point = model["operating_point"]
    if len(weak) == 2:
        return message(
            "Do not use it at {point}, because sensitivity may be as low as {sensitivity:.0f} % and specificity as low "
            "as {specificity:.0f} %.",
            point=point,
            **values,
        )
    if "sensitivity" in weak:
        return message(
            "Do not use it at {point}, because sensitivity may be as low as {sensitivity:.0f} %.", point=point, **values
        )
    return message(
        "Do not use it at {point}, because specificity may be as low as {specificity:.0f} %.", point=point, **values
    )


def _local_helps() -> Message:
    return message(
        "With the local operating point below, both are at least {limit:.0f} % on films that did not choose it.",
        limit=100 * MIN_LOWER_BOUND,
    )


def _local_is_better(model: Mapping[str, Any]) -> bool:
    local = (model.get("local") or {}).get("cross_fitted")
    if not local:
        return False
    answered, coverage = local["with_unknown"]["answered"], local["with_unknown"]["coverage"]
    bounds = [lower_bound(answered[name]) for name in ("sensitivity", "specificity")]
    return min(bounds) >= MIN_LOWER_BOUND and (coverage["value"] or 0) >= MIN_COVERAGE


def _what_it_did(model: Mapping[str, Any]) -> Message:
    films, answered = model["films"], model["shares"]["answered"]
    if films < FEW:
        return message("Few of your films are for this model: {films}.", films=films)
    return message(
        "On your {films:,} films, {pneumonia:,} of them with pneumonia, the model for {population} answered "
        "{coverage}; of those it recognised {sensitivity} of the pneumonia films and {specificity} of the normal "
        "films.",
        films=films,
        pneumonia=model["classes"]["Pneumonia"],
        population=model["population"],
        coverage=percent(model["shares"]["coverage"], interval=False),
        sensitivity=percent(answered["sensitivity"]),
        specificity=percent(answered["specificity"]),
    )


def _beside_the_card(model: Mapping[str, Any]) -> Message:
    card, own = model["card"].get("operating_point"), model["shares"]["answered"]
    if not card or model["films"] < FEW:
        return message("There is nothing to compare with the model's card.")
    sentences = [_compare(name, own[name], card[f"answered_{name}"]) for name in ("sensitivity", "specificity")]
    return join(sentence for sentence in sentences if sentence)


def _compare(name: str, own: Mapping[str, Any], card: Mapping[str, Any]) -> Message | None:
    if own["value"] is None or card["value"] is None:
        return None
    result = "lower" if upper_bound(own) < card["low"] else "higher" if lower_bound(own) > card["high"] else "equal"
    return _COMPARISONS[name, result](percent(card, interval=False))


def headline(code: str) -> Message:
    """The verdict in a few words."""
    return _HEADLINES[code]


_HEADLINES = {
    USE: message("Use as a second look"),
    DO_NOT_USE: message("Do not use here"),
    TOO_FEW: message("Too few films to judge"),
    LOCAL_POINT: message("Use only with the local operating point"),
}
