"""The parts of docs/ that are made from one vendor's tables: a module for each vendor that has some."""
