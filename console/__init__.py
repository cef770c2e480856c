"""Where people and vendors come in: the command line, the pages, the JSON API, the door for receipts."""
