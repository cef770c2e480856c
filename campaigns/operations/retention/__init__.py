"""For how long what is known of people is kept: what is emptied, and when."""
