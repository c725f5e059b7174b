"""What rules read: markets, accounts and positions as columns, kept up by differences."""
