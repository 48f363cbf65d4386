"""User recipes, one per file. The NAME of `train.py --recipe NAME` is the file's name without suffix."""
