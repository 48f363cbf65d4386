"""Recipes of the recipe search. They make `docs/experiments.md` reproducible and are not intended for use."""
