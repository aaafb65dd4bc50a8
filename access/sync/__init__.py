"""Keeps doors and their history in step with the upstream."""
