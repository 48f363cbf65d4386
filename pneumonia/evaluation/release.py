"""Release of trained runs as the embedded models of their populations: copies each bundle, merges the figures of other
runs, audits and external films into its evaluation, writes the card, and pins the hash of its config.

python -m pneumonia.evaluation.release runs/default-official runs/adults-adults --with runs/default-folds5
    --external external.json --nih nih.json --gate kinds.json --routing routing.json --audits children.json adults.json
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import files
from ..command_line import entry_point
from ..errors import UsageError
from ..inference import bundle, sources
from ..inference.populations import CHILDREN, POPULATIONS
from . import card
from .external import identity
from .protocols import PROTOCOLS_OF
from .readme_figures import MARKS, replace_figures
from .released_figures import Additions, add_figures, read_figures
from .test_set_access_log import ACCESS_LOGS

ROOT = Path(__file__).parents[2]
PIN = ROOT / "pneumonia" / "inference" / "embedded.py"
"""Module with the sha256 of each population's embedded config."""

README = ROOT / "README.md"
"""File with the tables of figures; it exists in a checkout only."""


def release(
    run: Path,
    others: Sequence[Path],
    target: Path | None = None,
    *,
    with_keras_model: bool = False,
    **figures: Any,
) -> str:
    """Copy the bundle of `run` to `target` and add the figures of the runs `others`; returns the config's sha256.

    The default `target` is the embedded folder of the run's population. `figures`: files with further figures, by the
    fields of `Additions`; entries that they do not replace are kept. `with_keras_model`: also copy the Keras model,
    which is published but not embedded. Raises a `PneumoniaError` if a run is incomplete, a file is of another model,
    or `run` and `target` are one folder.
    """
    if target is None:
        target = sources.EMBEDDED_FOLDERS[_population(run)]
    if run.resolve() == target.resolve():
        raise UsageError(f"The run is the target folder itself. Allowed: a copy of it. Received: {run}.")
    bundle.load(run, run.name, require_all_files=with_keras_model)
    config, _ = bundle.read_config(run)
    evaluation = read_figures(run / bundle.EVALUATION)
    for other in others:
        evaluation["runs"] |= read_figures(other / bundle.EVALUATION)["runs"]
    evaluation["test_set_access_log"] = list(ACCESS_LOGS[_population(run)])
    add_figures(evaluation, config, Additions(**figures))
    _copy(run, target, config, with_keras_model=with_keras_model)
    files.atomic_write(target / bundle.EVALUATION, (json.dumps(evaluation, indent=1) + "\n").encode())
    files.atomic_write(target / bundle.CARD, card.write(config, evaluation).encode())
    return bundle.write_config(target, config)


def _population(run: Path) -> str:
    population: str = bundle.read_config(run)[0].get("population", CHILDREN.name)
    return population


def _copy(run: Path, target: Path, config: dict[str, Any], *, with_keras_model: bool) -> None:
    shutil.rmtree(target, ignore_errors=True)
    for name in config["files"]:
        if with_keras_model or name not in bundle.TRAINING_ONLY_FILES:
            files.atomic_write(target / name, (run / name).read_bytes())


def release_all(
    runs: Sequence[Path], others: Sequence[Path], additions: Additions, whole: Path | None
) -> dict[str, str]:
    """Embed runs of different populations; returns the sha256 of each config by population.

    Each run gets the runs of its population from `others`, and those external figures and audits that are of its
    model. `whole`: also write each bundle with its Keras model to `whole`, for several runs to a subfolder for each
    population. Nothing is written if two runs are of one population, or a file is of no released model.
    """
    populations = [_population(run) for run in runs]
    repeated = [name for name, count in Counter(populations).items() if count > 1]
    if repeated:
        raise UsageError(f"Several runs of one population. Allowed: one for each. Received: {', '.join(repeated)}.")
    parts = {run: _additions_of(run, additions, is_only_run=len(runs) == 1) for run in runs}
    _check_all_used(additions, parts.values())
    digests = {}
    for run, population in zip(runs, populations, strict=True):
        own = [other for other in others if len(runs) == 1 or population in _populations_of(other)]
        if whole:
            folder = whole if len(runs) == 1 else whole / population
            release(run, own, folder, with_keras_model=True, **vars(parts[run]))
        digests[population] = release(run, own, **vars(parts[run]))
    return digests


def _additions_of(run: Path, additions: Additions, *, is_only_run: bool) -> Additions:
    """The additions without the files of another model; all of them for an only run, so that `release` names these."""
    if is_only_run:
        return additions
    model = identity(bundle.read_config(run)[0])
    external = [path for path in additions.external if read_figures(path).get("model") == model]
    audits = [path for path in additions.audits if read_figures(path).get("model") == model]
    return replace(additions, external=external, audits=audits)


def _check_all_used(additions: Additions, parts: Any) -> None:
    used = {path for part in parts for path in (*part.external, *part.audits)}
    unused = [str(path) for path in (*additions.external, *additions.audits) if path not in used]
    if unused:
        raise UsageError(
            f"The figures are of another model. Allowed: figures of the released models. Received: {', '.join(unused)}."
        )


def _populations_of(run: Path) -> set[str]:
    """The populations to whose protocols the runs in an `evaluation.json` belong."""
    protocols = {entry["protocol"] for entry in read_figures(run / bundle.EVALUATION)["runs"].values()}
    return {population for population, names in PROTOCOLS_OF.items() if protocols & set(names)}


def with_pin(source: str, population: str, digest: str) -> str:
    """The source text of `embedded` with the sha256 of one population's config; the others are unchanged."""
    pins = {**dict(re.findall(r'"(\w+)": "([0-9a-f]{64})"', source)), population: digest}
    lines = "".join(f'    "{name}": "{pins[name]}",\n' for name in POPULATIONS if name in pins)
    return re.sub(r"CONFIG_SHA256 = \{.*?\}", f"CONFIG_SHA256 = {{\n{lines}}}", source, flags=re.DOTALL)


def _require_checkout() -> None:
    """Raise `UsageError` if the package is installed: its embedded model must not be overwritten."""
    # Some packages install a README beside this one, therefore its content is checked too.
    if not README.is_file() or MARKS[0] not in README.read_text(encoding="utf-8"):
        raise UsageError("Embedding a model needs a checkout of this repository; an installed package is not enough.")


def _update_checkout(digests: Mapping[str, str]) -> None:
    """Write pins and README."""
    source = PIN.read_text(encoding="utf-8")
    for population, digest in digests.items():
        source = with_pin(source, population, digest)
    files.atomic_write(PIN, source.encode())
    folders = [folder for folder in sources.EMBEDDED_FOLDERS.values() if (folder / bundle.CONFIG).is_file()]
    embedded = [bundle.load(folder, "embedded") for folder in folders]
    files.atomic_write(README, replace_figures(README.read_text(encoding="utf-8"), embedded).encode())


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Release runs and update pins and README; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.release", description=__doc__)
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="run folder to embed, one for each population"
    )
    parser.add_argument("--with", dest="others", type=Path, nargs="*", default=[], help="runs whose figures are added")
    parser.add_argument("--external", type=Path, nargs="*", default=[], help="files of pneumonia.evaluation.external")
    parser.add_argument("--nih", type=Path, help="file of pneumonia.evaluation.external_nih")
    parser.add_argument("--gate", type=Path, help="file of pneumonia.evaluation.gate_refusals")
    routing_help = "files of pneumonia.evaluation.routing and pneumonia.learning.gate_cross_fit"
    parser.add_argument("--routing", type=Path, nargs="*", default=[], help=routing_help)
    parser.add_argument("--audits", type=Path, nargs="*", default=[], help="files of pneumonia.evaluation.audits")
    parser.add_argument("--reference", type=Path, help="file of pneumonia.evaluation.reference_scores")
    whole_help = "also write the bundles with model.keras to DIR, for publishing"
    parser.add_argument("--whole", type=Path, metavar="DIR", help=whole_help)
    options = parser.parse_args(arguments)
    additions = Additions(
        options.external, options.audits, options.gate, options.routing, options.nih, options.reference
    )
    _require_checkout()
    digests = release_all(options.runs, options.others, additions, options.whole)
    _update_checkout(digests)
    for run, population in zip(options.runs, digests, strict=True):
        print(f"embedded {run} for {population} as {digests[population][:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
