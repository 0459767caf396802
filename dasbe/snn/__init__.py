"""Spiking neural network: the coding space and its noise."""
