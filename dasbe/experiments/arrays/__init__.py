"""What the figures show: a function for each that computes all its arrays."""
