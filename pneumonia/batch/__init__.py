"""Batch processing: find films in folders and ZIPs, and write one row for each result."""

from .discovery import films_in_zip, find_films

__all__ = ["films_in_zip", "find_films"]
