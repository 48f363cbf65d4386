"""Side-by-side measurements of the served model; each prints what it finds and changes nothing."""
