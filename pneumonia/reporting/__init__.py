"""Texts for the reader of one film: the reading guide and the PDF report."""
