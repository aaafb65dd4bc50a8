"""What people do with passes: make, hand over, show, delete."""
