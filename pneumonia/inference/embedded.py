"""Trust anchor of the embedded bundle: the sha256 of its `config.json`.

`python -m pneumonia.evaluation.release` writes it.
"""

CONFIG_SHA256 = "78887a728cdbbaf70843a07db86a815709a0cae1ff49609d402b8ab610c676a8"
