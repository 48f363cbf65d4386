"""Local validation: figures of the served models on a site's own labelled films. Nothing is kept but what is written."""
