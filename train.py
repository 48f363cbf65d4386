"""Train the network on films by a recipe and export a model bundle. See `python train.py --help`."""

from __future__ import annotations

import os
import sys

# Hides TensorFlow's start-up messages, which would clutter the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pneumonia.command_line import NOTHING_DONE, SUCCESS, entry_point


@entry_point
def main() -> int:
    try:
        from pneumonia.learning import train_args

        args = train_args.parse(sys.argv[1:])

        # After parsing: Keras takes seconds to import, and --help and usage errors do not need it.
        from pneumonia.learning import experiment
    except ModuleNotFoundError as error:
        print(f"Training needs {error.name}: pip install -r requirements-train.txt", file=sys.stderr)
        return NOTHING_DONE
    try:
        out = experiment.run(args)
    except KeyboardInterrupt:
        print("stopped; the last completed epoch is saved, continue with --resume", file=sys.stderr)
        return 130
    print(f"run folder: {out}")
    return SUCCESS


if __name__ == "__main__":
    sys.exit(main())
