"""The HTML pages: one module for the campaigns' pages, one that renders templates."""
