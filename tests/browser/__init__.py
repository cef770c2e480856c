"""People's work in the browser, in Chromium, on a stack with a sandbox."""
