"""What operators do with campaigns, calls and numbers, and the sweep that runs every second."""
