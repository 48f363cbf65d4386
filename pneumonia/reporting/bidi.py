"""Order of the runs of a line that mixes left-to-right and right-to-left text, for names and notes.

A reduced form of the Unicode bidirectional algorithm (UAX #9) for one line without control characters: strong letters,
numbers, and neutral characters between them (rules P2, W2, W7, N1, N2, I1, I2, L2).
"""

from __future__ import annotations

import unicodedata

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_NUMBERS = frozenset({"EN", "AN"})


def base_level(text: str) -> int:
    """1 if the first letter with a direction is written from right to left, else 0."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind == "L" or kind in _RIGHT_TO_LEFT:
            return int(kind != "L")
    return 0


def levels(text: str, base: int) -> list[int]:
    """Level of each character: even from left to right, odd from right to left."""
    kinds = _resolved_kinds(text, base)
    embedding = {"L": 0 if base == 0 else 2, "R": 1, "N": 2}
    return [embedding[kind] for kind in kinds]


def _resolved_kinds(text: str, base: int) -> list[str]:
    """L, R or N (a number that belongs to right-to-left text) of each character."""
    default, strong = ("R" if base else "L"), "R" if base else "L"
    kinds: list[str] = []
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind == "NSM" and kinds:
            kinds.append(kinds[-1])
        elif kind == "L" or kind in _RIGHT_TO_LEFT:
            strong = "L" if kind == "L" else "R"
            kinds.append(strong)
        elif kind in _NUMBERS:
            kinds.append("N" if strong == "R" or kind == "AN" else "L")
        else:
            kinds.append("")
    return _with_neutrals(kinds, default)


def _with_neutrals(kinds: list[str], default: str) -> list[str]:
    """Neutral characters take the direction of both their neighbours, or the direction of the line."""
    resolved = list(kinds)
    position = 0
    while position < len(kinds):
        end = position
        while end < len(kinds) and not kinds[end]:
            end += 1
        if end > position:
            before = _direction(kinds[position - 1]) if position else default
            after = _direction(kinds[end]) if end < len(kinds) else default
            resolved[position:end] = [before if before == after else default] * (end - position)
        position = end + 1
    return resolved


def _direction(kind: str) -> str:
    return "R" if kind == "N" else kind


def visual_order(run_levels: list[int]) -> list[int]:
    """Indices of runs from left to right, for the level of each run in the order of reading (rule L2)."""
    order = list(range(len(run_levels)))
    for level in range(max(run_levels, default=0), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and run_levels[order[end]] >= level:
                end += 1
            order[start:end] = reversed(order[start:end])
            start = end + 1
    return order
