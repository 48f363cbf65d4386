"""What the gate refuses, folder by folder: of images that are no chest films all should be, of chest films none.

python -m pneumonia.evaluation.refusals unknown/hand unknown/spine chest_xray/train/NORMAL
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .. import load_predictor
from ..decision import Failure
from ..errors import PneumoniaError
from ..predictor import Predictor
from .card import table


def refusals(predictor: Predictor, folder: Path) -> Counter[str]:
    """How many files below `folder` were scored, refused (by the reason's code) or not read (`unreadable`)."""
    found: Counter[str] = Counter()
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    for result in predictor.predict_many(paths):
        if isinstance(result, Failure):
            found["unreadable"] += 1
        elif result.probability is not None or result.reason is None:
            found["scored"] += 1
        else:
            found[result.reason.code] += 1
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.refusals", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--model", help="instead of PNEUMONIA_MODEL")
    given = parser.parse_args(arguments)
    try:
        predictor = load_predictor(given.model)
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    rows = []
    for folder in given.folders:
        found = refusals(predictor, folder)
        read = found.total() - found["unreadable"]
        share = f"{100 * (read - found['scored']) / read:.1f} %" if read else "-"
        rows.append([folder.name, f"{read:,}", share, f"{found['not_a_chest_film']:,}", f"{found['unreadable']:,}"])
    print(table(["folder", "read", "refused", "of them as no chest film", "not readable"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
