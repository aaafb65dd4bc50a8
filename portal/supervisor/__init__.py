"""Starts the portal's processes in order and stops them in order: plain Python, no Django.

``python -m portal.supervisor demo`` is behind `make demo`, ``… run`` behind `make run`.
"""
