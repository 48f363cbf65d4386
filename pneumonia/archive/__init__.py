"""Prediction of archives of millions of films on Ray: `python -m pneumonia archive`. Needs requirements-archive.txt.

`film_names` lists the films and partitions them, `storage` reads and writes files by fsspec, `parts` holds the result
rows of a partition, `run` runs the workers on every core, `cluster` starts Ray or connects to it.
"""
