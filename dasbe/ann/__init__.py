"""Artificial neural network: the autoencoder, its files, and the form in which the loop uses it."""
