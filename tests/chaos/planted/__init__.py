"""Workers with a bug put into them on purpose: the court must find what each of them does to people."""
