"""What is written about a film for people: the reading guide and the PDF report."""
