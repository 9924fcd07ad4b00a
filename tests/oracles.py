"""Slow, obvious versions of what the package computes, written from the definitions with networkx, scipy or loops."""
