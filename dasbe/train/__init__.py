"""Training of the networks: recipes, the training loop, and the command ``python -m dasbe.train``."""
