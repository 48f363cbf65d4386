"""A trained run becomes the embedded model: merge the figures, write the card, copy, pin.

python -m pneumonia.evaluation.release runs/default-official --with runs/default-grouped80 runs/seed-grouped80
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

from .. import bundle, files, sources
from ..errors import PneumoniaError
from . import card
from .looks import LOOKS

ROOT = Path(__file__).parents[2]
PIN = ROOT / "pneumonia" / "embedded.py"
README = ROOT / "README.md"
MARKS = ("<!-- figures: written by pneumonia.evaluation.release -->", "<!-- end of figures -->")


def release(run: Path, others: Sequence[Path], target: Path = sources.EMBEDDED) -> str:
    """Copy the bundle of `run` to `target` with the figures of `others` beside its own; returns the config's sha256.

    The Keras model stays behind: it is published, not embedded. Raises a `PneumoniaError` where a run is not whole.
    """
    bundle.load(run, run.name)
    config, _ = bundle.read_config(run)
    evaluation = json.loads((run / bundle.EVALUATION).read_bytes())
    for other in others:
        evaluation["runs"] |= json.loads((other / bundle.EVALUATION).read_bytes())["runs"]
    evaluation["looks"] = list(LOOKS)
    shutil.rmtree(target, ignore_errors=True)
    for name in config["files"]:
        if name not in bundle.NOT_SERVED:
            files.write(target / name, (run / name).read_bytes())
    files.write(target / bundle.EVALUATION, (json.dumps(evaluation, indent=1) + "\n").encode())
    files.write(target / bundle.CARD, card.write(config, evaluation).encode())
    return bundle.seal(target, config)


def figures_for_readme(evaluation: dict[str, Any]) -> str:
    """The README's table, between its marks."""
    columns = {
        "official test (624 films)": evaluation["runs"].get("default/official"),
        "80/20 by patient": evaluation["runs"].get("default/grouped80"),
        "80/20 by patient, the seed's recipe": evaluation["runs"].get("seed/grouped80"),
    }
    there = {name: run["figures"] for name, run in columns.items() if run is not None}
    names = ("accuracy", "precision", "sensitivity", "specificity", "f1", "auroc", "ece")
    rows = [[name, *(card.shown(name, figures[name]) for figures in there.values())] for name in names]
    return "\n".join([MARKS[0], card.table(["figure (95 % interval)", *there], rows), MARKS[1]])


def main() -> int:
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.release", description=__doc__)
    parser.add_argument("run", type=Path, help="the run folder to embed")
    parser.add_argument("--with", dest="others", type=Path, nargs="*", default=[], help="runs whose figures go beside")
    given = parser.parse_args()
    try:
        digest = release(given.run, given.others)
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    PIN.write_text(re.sub(r'CONFIG_SHA256 = ".*"', f'CONFIG_SHA256 = "{digest}"', PIN.read_text()))
    evaluation = json.loads((sources.EMBEDDED / bundle.EVALUATION).read_bytes())
    pattern = re.compile(f"{re.escape(MARKS[0])}.*?{re.escape(MARKS[1])}", re.DOTALL)
    README.write_text(pattern.sub(lambda _: figures_for_readme(evaluation), README.read_text()))
    print(f"embedded {given.run} as {digest[:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
