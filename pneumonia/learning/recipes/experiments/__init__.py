"""Recipes of the search: kept so that docs/experiments.md can be checked; none is meant for users."""
