"""Batches of the page, without the page."""
