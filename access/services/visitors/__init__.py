"""What visitors may see of a pass without an account: the links they are given, and what a link shows."""
