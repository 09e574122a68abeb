"""What a table of readings says about a corpus: figures, groups, extremes, and the page that shows them."""
