"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "63addb12b98cd436ec7d4a5285239dc98cad6bcce9a155b7a2a7f1bf9726ae33",
    "adults": "2a2d0c5054618e53ec6c9bc4d11a8ad60b548d14686c6a9d683850c543fe4751",
}
