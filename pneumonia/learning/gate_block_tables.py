"""Tables of the refusals of held-out blocks: by block and check, without a stated age, and by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..evaluation.intervals import wilson_interval
from ..evaluation.number_format import percent, share
from ..evaluation.routing import OUTCOMES, REFUSED, UNCLEAR, as_entry
from ..evaluation.routing import to_markdown as routing_markdown
from ..evaluation.table import Table
from ..inference import populations
from ..inference.routing import DEFAULT_MARGIN
from .gate_rules import CHECKS, POPULATION, RULES, Mask, Measured, Rule, exceeds_limit, fitted_rule

Entry = dict[str, Any]

ALL = "all"
FEWER_REFUSED = 0.995
"""The table of the rules names the kinds of images of which some rule refuses less than this share."""

CHILDREN, ADULTS = populations.CHILDREN.name, populations.ADULTS.name


@dataclass(frozen=True)
class BlockFilms:
    """What the gate that was fitted without a block measures.

    `films` are those of the block, `kinds` `[N]` and `by_adults_gate` `[N, 7]` their kinds and the measures of the
    adults' gate with its limits; `random_validation` are films of the other blocks that were held out at random, on
    which the limits were chosen. `adults`: for each source and reading, the measures of both gates.
    """

    kinds: npt.NDArray[np.str_]
    films: Measured
    by_adults_gate: Measured
    random_validation: Measured
    adults: Mapping[str, tuple[Measured, Measured]]
    other_kinds: Mapping[str, Measured]


def outcomes(refused: Mask, measured: Measured, by_adults_gate: Measured) -> Counter[str]:
    """What happens to films without a stated age if the children's gate refuses some. No inverted copy is tried."""
    adult_refused = fitted_rule(by_adults_gate)
    # Resemblance is the negative logarithm of the odds against the gate's population.
    closer = by_adults_gate.films[:, POPULATION] - measured.films[:, POPULATION]
    both = ~refused & ~adult_refused
    child = (~refused & adult_refused) | (both & (closer >= DEFAULT_MARGIN))
    adult = (refused & ~adult_refused) | (both & (closer <= -DEFAULT_MARGIN))
    counts = {CHILDREN: child.sum(), ADULTS: adult.sum(), REFUSED: (refused & adult_refused).sum()}
    return Counter(
        {name: int(count) for name, count in counts.items()} | {UNCLEAR: int((both & ~child & ~adult).sum())}
    )


def by_block(blocks: Sequence[BlockFilms]) -> list[Entry]:
    """Refusals by the children's gate alone, and films above the limit of each check, by block and kind."""
    rows = []
    parts = {f"block {number}": [block] for number, block in enumerate(blocks)} | {"all blocks": list(blocks)}
    for name, members in parts.items():
        for kind in (*_kinds(blocks), ALL):
            rows.append(_row(name, kind, [(block.films, (block.kinds == kind) | (kind == ALL)) for block in members]))
    at_random = [block.random_validation for block in blocks]
    chosen = [(measured, np.ones(len(measured.films), bool)) for measured in at_random]
    return [*rows, _row("validation films of the other blocks", ALL, chosen)]


def _row(name: str, kind: str, chosen: Sequence[tuple[Measured, Mask]]) -> Entry:
    above = np.concatenate([exceeds_limit(measured)[mask] for measured, mask in chosen])
    return {
        "name": name,
        "kind": kind,
        "films": len(above),
        "refused": wilson_interval(int(above.any(axis=1).sum()), len(above)),
        "by": {": ".join(check): int(count) for check, count in zip(CHECKS, above.sum(axis=0), strict=True)},
    }


def without_age(blocks: Sequence[BlockFilms]) -> list[Entry]:
    """Outcomes of the films of all blocks without a stated age, by kind."""
    rows = []
    for kind in _kinds(blocks):
        counts: Counter[str] = Counter()
        for block in blocks:
            films, adult = (_subset(measured, block.kinds == kind) for measured in (block.films, block.by_adults_gate))
            counts += outcomes(fitted_rule(films), films, adult)
        rows.append(as_entry(kind, counts, OUTCOMES))
    return rows


def by_rule(blocks: Sequence[BlockFilms]) -> list[Entry]:
    """For each rule: refused films of the held-out blocks by kind; adults answered as children; refused other kinds."""
    return [
        {
            "name": name,
            "refused": {kind: _refused_of_kind(blocks, rule, kind) for kind in (*_kinds(blocks), ALL)},
            "adults_as_children": {group: _as_children(blocks, rule, group) for group in blocks[0].adults},
            "other_kinds": {
                kind: float(np.mean([rule(block.other_kinds[kind]).mean() for block in blocks]).round(5))
                for kind in blocks[0].other_kinds
            },
        }
        for name, rule in RULES.items()
    ]


def _refused_of_kind(blocks: Sequence[BlockFilms], rule: Rule, kind: str) -> Mapping[str, float | None]:
    refused = np.concatenate([rule(block.films)[(block.kinds == kind) | (kind == ALL)] for block in blocks])
    return wilson_interval(int(refused.sum()), len(refused))


def _as_children(blocks: Sequence[BlockFilms], rule: Rule, group: str) -> float:
    """Share of adults whom the children's model answers without a stated age; mean over the blocks' gates."""
    shares = []
    for block in blocks:
        measured, by_adults_gate = block.adults[group]
        counts = outcomes(rule(measured), measured, by_adults_gate)
        shares.append(counts[CHILDREN] / counts.total())
    return round(float(np.mean(shares)), 5)


def to_markdown(tables: Mapping[str, Sequence[Entry]]) -> str:
    """The three tables as Markdown, each below its title."""
    parts = {
        "Refused by the gate of children alone, and films above the limit of each check": _blocks_table(
            tables["blocks"]
        ),
        "Films of the held-out blocks without a stated age": routing_markdown("", tables["without_age"]),
        "Other rules": _rules_table(tables["rules"]),
    }
    return "\n\n".join(f"{title}\n\n{table}" for title, table in parts.items())


def _blocks_table(rows: Sequence[Entry]) -> str:
    checks = [": ".join(check).replace("_", " ") for check in CHECKS]
    cells = [
        [row["name"], row["kind"], f"{row['films']:,}", percent(row["refused"]), *map(str, row["by"].values())]
        for row in rows
    ]
    return Table("", ["Films", "Kind", "Count", "Refused", *checks], cells).to_markdown()


def _rules_table(rows: Sequence[Entry]) -> str:
    kinds = [name for name in rows[0]["other_kinds"] if min(row["other_kinds"][name] for row in rows) < FEWER_REFUSED]
    cells = [list(_rule_cells(row, kinds)) for row in rows]
    groups = [f"Refused: {kind}" for kind in rows[0]["refused"]]
    return Table(
        "",
        ["Rule", *groups, "Adults as children, worst source", *kinds, "Each other kind, at least"],
        cells,
    ).to_markdown()


def _rule_cells(row: Entry, kinds: Sequence[str]) -> Iterator[str]:
    yield row["name"]
    yield from (str(percent(figure, interval=False)) for figure in row["refused"].values())
    worst = max(row["adults_as_children"], key=row["adults_as_children"].__getitem__)
    yield f"{share(row['adults_as_children'][worst])} ({worst})"
    yield from (str(share(row["other_kinds"][kind])) for kind in kinds)
    remaining = (value for kind, value in row["other_kinds"].items() if kind not in kinds)
    yield str(share(min(remaining, default=None)))


def _kinds(blocks: Sequence[BlockFilms]) -> list[str]:
    return sorted({kind for block in blocks for kind in block.kinds.tolist()})


def _subset(measured: Measured, mask: Mask) -> Measured:
    return Measured(measured.films[mask], measured.validation, measured.near)
