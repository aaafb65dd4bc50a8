"""The pages of passes."""
