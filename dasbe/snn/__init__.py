"""Spiking neural network: the equations of the neurons and where their noise comes from, on any device."""
