"""Learners and classical planners that act in graph-editing environments."""
