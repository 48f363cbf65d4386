"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "d08b93ff187118e10ff747ef80b15705f8f12a75adceceee79d124d6b46dc4eb",
    "adults": "e99a3a94a91d0cb96eca35b56f218c0890a37c8588e9eab126ac25540b7c5ad3",
}
