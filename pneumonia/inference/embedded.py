"""Trust anchor of the embedded bundle: the sha256 of its `config.json`.

`python -m pneumonia.evaluation.release` writes it.
"""

CONFIG_SHA256 = "595d55dcdeca26206c557595495467d5d258d60e6fd37670be8db8496df71ec3"
