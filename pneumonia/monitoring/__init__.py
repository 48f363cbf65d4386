"""Counts of answers over time and their drift, without pixels or identifiers; off by default."""
