"""Move-outs: what has to go, the steps that make it go, and the record of what is gone and what is left."""
