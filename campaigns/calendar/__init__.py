"""Time where the contact is: zones, holidays, calling windows, and the hours a campaign may call."""
