"""Recipes of the search. They make `docs/experiments.md` reproducible and are not meant for use."""
