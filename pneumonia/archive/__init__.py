"""Archives of millions of films on Ray: `python -m pneumonia archive`. Needs requirements-archive.txt.

`names` finds the films and divides them into parts, `storage` reads and writes wherever fsspec can, `parts` keeps a
part's rows, `screening` has Ray call them on every core, `cluster` starts Ray or finds it.
"""
