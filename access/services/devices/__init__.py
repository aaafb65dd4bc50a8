"""What people ask the upstream about devices: who may use them, and where their stream is."""
