"""Trust anchor of the embedded bundle: the sha256 of its `config.json`.

`python -m pneumonia.evaluation.release` writes it.
"""

CONFIG_SHA256 = "3b2b93602e496fedf4c1e2cd4db731cb5b3ab5e2258a20f781400913f1360b7a"
