"""Train the network: films and a recipe in, a model bundle out. `python train.py --help`."""

from __future__ import annotations

import os
import sys

# TensorFlow's start-up notes would bury the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pneumonia.errors import PneumoniaError


def main() -> int:
    try:
        from pneumonia.learning import experiment
    except ModuleNotFoundError as error:
        print(f"Training needs {error.name}: pip install -r requirements-train.txt", file=sys.stderr)
        return 2
    try:
        out = experiment.run(experiment.parse(sys.argv[1:]))
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the last whole epoch is kept, go on with --resume", file=sys.stderr)
        return 130
    print(f"the bundle: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
