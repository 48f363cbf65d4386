"""Batch processing: find films in folders and ZIPs, and write one row for each result."""

from .discovery import FilmList, expand_patterns, films_in_zip, find_films

__all__ = ["FilmList", "expand_patterns", "films_in_zip", "find_films"]
