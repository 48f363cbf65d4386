"""Trust anchor of the embedded bundle: the sha256 of its `config.json`.

`python -m pneumonia.evaluation.release` writes it.
"""

CONFIG_SHA256 = "d54f18602aeb30e41125c65189f57aeaa9dfb1b7754f38c1ec265e8f31c0a0c7"
