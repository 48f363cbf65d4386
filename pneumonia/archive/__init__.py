"""Prediction of archives of millions of films on Ray: `python -m pneumonia archive`. Needs requirements-archive.txt.

`film_names` lists the films and divides them into parts, `storage` reads and writes files with fsspec, `parts` reads
and writes the result rows of each part, `run` runs the workers on every core, `cluster` starts Ray or connects to it.
"""
