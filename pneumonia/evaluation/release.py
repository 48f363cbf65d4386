"""Release of a trained run as the embedded model of its population: copies the bundle, merges the figures of other runs
into its evaluation, writes the card, and pins the hash of its config.

python -m pneumonia.evaluation.release runs/default-official --with runs/seed-grouped80 --external e.json --gate k.json
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import files, operating_system
from ..errors import PneumoniaError, UsageError
from ..inference import bundle, sources
from ..inference.populations import CHILDREN, POPULATIONS
from . import card
from .external import identity
from .number_format import METRIC_NAMES, format_metric
from .table import Table
from .test_set_access_log import TEST_SET_ACCESS_LOG

ROOT = Path(__file__).parents[2]
PIN = ROOT / "pneumonia" / "inference" / "embedded.py"
"""Module with the sha256 of the embedded config."""

README = ROOT / "README.md"
"""File with the table of figures; it exists in a checkout only."""

MARKS = ("<!-- figures: written by pneumonia.evaluation.release -->", "<!-- end of figures -->")
"""Comments before and after the table of figures in the README."""


def release(
    run: Path,
    others: Sequence[Path],
    target: Path | None = None,
    *,
    external: Sequence[Path] = (),
    gate: Path | None = None,
    audits: Sequence[Path] = (),
    nih: Path | None = None,
    with_keras_model: bool = False,
) -> str:
    """Copy the bundle of `run` to `target` and add the figures of the runs `others`; returns the config's sha256.

    The default `target` is the embedded folder of the run's population.

    Files with figures of this model, by the module of `pneumonia.evaluation` that writes them: `external`, `gate`
    (`gate_refusals`), `audits`, which are joined in the run that is released, and `nih` (`external_nih`).
    `with_keras_model`: also copy the Keras model, which is published but not embedded. Raises a `PneumoniaError` if a
    run is incomplete, a file is of another model, or `run` and `target` are one folder.
    """
    if target is None:
        target = sources.EMBEDDED_FOLDERS[_population(run)]
    if run.resolve() == target.resolve():
        raise UsageError(f"The run is the target folder itself. Allowed: a copy of it. Received: {run}.")
    bundle.load(run, run.name, require_all_files=with_keras_model)
    config, _ = bundle.read_config(run)
    evaluation = json.loads((run / bundle.EVALUATION).read_bytes())
    for other in others:
        evaluation["runs"] |= json.loads((other / bundle.EVALUATION).read_bytes())["runs"]
    evaluation["test_set_access_log"] = list(TEST_SET_ACCESS_LOG)
    if external:
        evaluation["external"] = [_of_this_model(path, config) for path in external]
    if gate:
        evaluation["gate_kinds"] = {"kinds": json.loads(gate.read_bytes())["kinds"]}
    for path in audits:
        _join_audits(evaluation["runs"][f"{config['recipe']}/{config['protocol']}"], _of_this_model(path, config))
    if nih:
        evaluation |= _by_age_of_this_model(nih, config)
    _copy(run, target, config, with_keras_model=with_keras_model)
    files.atomic_write(target / bundle.EVALUATION, (json.dumps(evaluation, indent=1) + "\n").encode())
    files.atomic_write(target / bundle.CARD, card.write(config, evaluation).encode())
    return bundle.write_config(target, config)


def _population(run: Path) -> str:
    population: str = bundle.read_config(run)[0].get("population", CHILDREN.name)
    return population


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


def _join_audits(run: dict[str, Any], entry: dict[str, Any]) -> None:
    """Add audits to those of the run, in place of earlier ones of the same name or of another model.

    Audits of test films have a key of their own, `test_audits`.
    """
    key = "test_audits" if entry.get("films", {}).get("part") == "test" else "audits"
    earlier = run.get(key, {})
    run[key] = {**(earlier if earlier.get("model") == entry["model"] else {}), **entry}


def _of_this_model(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(path.read_bytes())
    if entry["model"] != identity(config):
        raise UsageError(f"The figures are of another model. Allowed: figures of the released model. Received: {path}.")
    return entry


def _by_age_of_this_model(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Entries of which this model answered the films of its population; another model may have answered the others."""
    entries: dict[str, Any] = json.loads(path.read_bytes())
    if identity(config) not in entries["nih_by_age"]["models"].values():
        raise UsageError(f"The figures are of other models. Allowed: figures of the released model. Received: {path}.")
    return entries


def _copy(run: Path, target: Path, config: dict[str, Any], *, with_keras_model: bool) -> None:
    shutil.rmtree(target, ignore_errors=True)
    for name in config["files"]:
        if with_keras_model or name not in bundle.TRAINING_ONLY_FILES:
            files.atomic_write(target / name, (run / name).read_bytes())


def figures_for_readme(evaluation: dict[str, Any]) -> str:
    """Markdown for the README, between `MARKS`: table of figures, and a sentence for each external validation."""
    columns = {
        "default/official": "official test ({total} films)",
        "default/folds5": "five folds by patient",
    }
    runs = {name: evaluation["runs"][name] for name in columns if name in evaluation["runs"]}
    by_column = {columns[name].format(**run.get("films", {})): run["figures"] for name, run in runs.items()}
    names = ("accuracy", "sensitivity", "specificity", "auroc")
    rows = [
        [METRIC_NAMES[name], *(format_metric(name, figures[name]) for figures in by_column.values())] for name in names
    ]
    table = Table("Metrics", ["Metric (95 % interval)", *by_column], rows)
    external = [f"\n{sentence}" for sentence in card.external_summary(evaluation.get("external", []))]
    return "\n".join([MARKS[0], table.to_markdown(), *external, MARKS[1]])


def main() -> int:
    """Release a run and update pin and README; returns the exit code (2 after an error)."""
    operating_system.make_output_robust()
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.release", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder to embed")
    parser.add_argument("--with", dest="others", type=Path, nargs="*", default=[], help="runs whose figures are added")
    parser.add_argument("--external", type=Path, nargs="*", default=[], help="files of pneumonia.evaluation.external")
    parser.add_argument("--gate", type=Path, help="file of pneumonia.evaluation.gate_refusals")
    parser.add_argument("--audits", type=Path, nargs="*", default=[], help="files of pneumonia.evaluation.audits")
    parser.add_argument("--nih", type=Path, help="file of pneumonia.evaluation.external_nih")
    parser.add_argument(
        "--whole", type=Path, metavar="DIR", help="also write the bundle with model.keras to DIR, for publishing"
    )
    options = parser.parse_args()
    merged: dict[str, Any] = {
        "external": options.external,
        "gate": options.gate,
        "audits": options.audits,
        "nih": options.nih,
    }
    try:
        _require_checkout()
        if options.whole:
            release(options.run, options.others, options.whole, with_keras_model=True, **merged)
        digest = release(options.run, options.others, **merged)
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    pin = with_pin(PIN.read_text(encoding="utf-8"), _population(options.run), digest)
    files.atomic_write(PIN, pin.encode())
    evaluation = json.loads((sources.EMBEDDED_FOLDER / bundle.EVALUATION).read_bytes())
    pattern = re.compile(f"{re.escape(MARKS[0])}.*?{re.escape(MARKS[1])}", re.DOTALL)
    readme = pattern.sub(lambda _: figures_for_readme(evaluation), README.read_text(encoding="utf-8"))
    files.atomic_write(README, readme.encode())
    print(f"embedded {options.run} as {digest[:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
