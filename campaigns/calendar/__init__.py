"""Times in the contact's own time zone: zones, holidays, calling windows, and when a campaign may call."""
