"""What is checked of a campaign before it starts, and what its author is warned of."""
