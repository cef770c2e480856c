"""The audit's lines are chained by hash, so that a change of one is seen."""
