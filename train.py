"""Train the network: films and a recipe in, a model bundle out. `python train.py --help`."""

from __future__ import annotations

import os
import sys

# TensorFlow's start-up notes would bury the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pneumonia.errors import PneumoniaError


def main() -> int:
    try:
        from pneumonia.learning import train_args

        args = train_args.parse(sys.argv[1:])
        from pneumonia.learning import experiment  # Keras: seconds, which help and wrong use need not wait for
    except ModuleNotFoundError as error:
        print(f"Training needs {error.name}: pip install -r requirements-train.txt", file=sys.stderr)
        return 2
    except PneumoniaError as error:
        return _refuse(error)
    try:
        out = experiment.run(args)
    except PneumoniaError as error:
        return _refuse(error)
    except KeyboardInterrupt:
        print("stopped; the last whole epoch is kept, go on with --resume", file=sys.stderr)
        return 130
    print(f"the bundle: {out}")
    return 0


def _refuse(error: PneumoniaError) -> int:
    print(f"{error.code}: {error.message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
