"""The commands of `dialer`, one module for each or for a group of them."""
