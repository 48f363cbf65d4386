"""Texts about one film for readers: the reading guide and the PDF report."""
