"""A campaign simulated before it runs: when each contact would be called, and when the campaign would end."""
