"""User recipes, one per file; `train.py --recipe NAME` takes the file's name."""
