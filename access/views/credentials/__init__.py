"""The pages of credentials: of one family, and of one's own account over families."""
