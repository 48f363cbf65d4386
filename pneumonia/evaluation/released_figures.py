"""Further figures of a released model: audits, external films, gate and routing, which other commands measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from . import reference_measures
from .external import identity

Json = dict[str, Any]


@dataclass(frozen=True)
class Additions:
    """Files with further figures of a released model.

    `external`: written by `pneumonia.evaluation.external` for this model. `audits`: written by
    `pneumonia.evaluation.audits` for this model; they are joined in the run that is released. `gate`: written by
    `pneumonia.evaluation.gate_refusals`. `routing`: written by `pneumonia.evaluation.routing` and
    `pneumonia.learning.gate_cross_fit`. `reference`: written by `pneumonia.evaluation.reference_scores` for this model,
    beside others. `nih`: written by `pneumonia.evaluation.external_nih` for this model, beside
    others.
    """

    external: Sequence[Path] = ()
    audits: Sequence[Path] = ()
    gate: Path | None = None
    routing: Sequence[Path] = ()
    nih: Path | None = None
    reference: Path | None = None


def add_figures(evaluation: Json, config: Json, additions: Additions) -> None:
    """Add the figures to the evaluation of a model; raises `UsageError` for a file of another model."""
    if additions.external:
        evaluation["external"] = [_of_this_model(path, config) for path in additions.external]
    for path in additions.audits:
        _join_audits(evaluation["runs"][f"{config['recipe']}/{config['protocol']}"], _of_this_model(path, config))
    if additions.gate:
        evaluation["gate_kinds"] = {"kinds": read_figures(additions.gate)["kinds"]}
    for path in additions.routing:
        entry = read_figures(path)
        if "routing" in entry:
            evaluation["routing"] = entry["routing"]
        else:
            evaluation["gate_cross_fit"] = {part: entry[part] for part in ("films", "kinds")}
    if additions.nih:
        evaluation |= _by_age_of_this_model(additions.nih, config)
    if additions.reference:
        evaluation[reference_measures.KEY] = _reference_of_this_model(additions.reference, config)


def _join_audits(run: Json, entry: Json) -> None:
    """Add audits to those of the run, in place of earlier ones of the same name or of another model.

    Audits of test films have a key of their own, `test_audits`.
    """
    key = "test_audits" if entry.get("films", {}).get("part") == "test" else "audits"
    earlier = run.get(key, {})
    run[key] = {**(earlier if earlier.get("model") == entry["model"] else {}), **entry}


def read_figures(path: Path) -> Json:
    """The content of a JSON file; raises `UsageError`."""
    try:
        content: Json = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"No figures. Expected: a JSON file. Received: {path} ({type(error).__name__}).") from None
    return content


def _of_this_model(path: Path, config: Json) -> Json:
    entry = read_figures(path)
    if entry.get("model") != identity(config):
        raise UsageError(f"The figures are of another model. Allowed: figures of the released model. Received: {path}.")
    return entry


def _by_age_of_this_model(path: Path, config: Json) -> Json:
    """Entries of which this model answered the films of its population; another model may have answered the others."""
    entries = read_figures(path)
    if identity(config) not in entries["nih_by_age"]["models"].values():
        raise UsageError(f"The figures are of other models. Allowed: figures of the released model. Received: {path}.")
    return entries


def _reference_of_this_model(path: Path, config: Json) -> Json:
    entries: Json = read_figures(path)[reference_measures.KEY]
    own = [entry for entry in entries.values() if entry.get("model") == identity(config)]
    if not own:
        raise UsageError(f"The scores are of other models. Allowed: scores of the released model. Received: {path}.")
    return dict(own[0])
