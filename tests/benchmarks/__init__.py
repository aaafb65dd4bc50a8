"""What docs/performance.md promises, measured: ours, the peer and the limit side by side. ``make bench`` runs them."""
