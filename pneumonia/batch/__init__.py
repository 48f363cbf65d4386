"""Many films: find them in folders and ZIPs, predict them, write one row for each."""

from .discovery import NamedFilm, each, films_in_zip, find_films, judge

__all__ = ["NamedFilm", "each", "find_films", "films_in_zip", "judge"]
