"""Equivariance of models: running them on what is open, and measuring them."""
