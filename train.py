"""Train the network on films by a recipe and export a model bundle. See `python train.py --help`."""

from __future__ import annotations

import os
import sys

# Hides TensorFlow's start-up messages, which would clutter the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pneumonia import operating_system
from pneumonia.errors import PneumoniaError


def main() -> int:
    operating_system.make_output_robust()
    try:
        from pneumonia.learning import train_args

        args = train_args.parse(sys.argv[1:])

        # After parsing: Keras takes seconds to import, and --help and usage errors do not need it.
        from pneumonia.learning import experiment
    except ModuleNotFoundError as error:
        print(f"Training needs {error.name}: pip install -r requirements-train.txt", file=sys.stderr)
        return 2
    except PneumoniaError as error:
        return _report(error)
    try:
        out = experiment.run(args)
    except PneumoniaError as error:
        return _report(error)
    except KeyboardInterrupt:
        print("stopped; the last completed epoch is saved, continue with --resume", file=sys.stderr)
        return 130
    print(f"run folder: {out}")
    return 0


def _report(error: PneumoniaError) -> int:
    print(f"{error.code}: {error.message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
