"""People: accounts, passwords, groups, and who is asking."""
