"""Local validation: figures of the served models on a site's own labelled films. Only its files are kept."""
