"""What operators and the clock do to campaigns: pause, live calls, suppress, erase, sweep."""
