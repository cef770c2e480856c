"""The ways in, for people and providers: the command line, the pages, the JSON API, the receipt URLs."""
