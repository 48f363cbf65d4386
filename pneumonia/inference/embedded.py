"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "f5c16757a319ef8a7478d8104c46a777ea58cacc1e66ce88157192ebd1477d9d",
    "adults": "1386c026c5c848da6e3b6fd55b42c4d2fb9cd6f43f9a70e51adaf174cec07b4c",
}
