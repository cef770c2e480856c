"""The suppression list as files: lists of numbers put on it, and all of it taken away."""
