"""What stops a campaign by itself: circuit breaker, canary, budgets; and failover to another account."""
