"""What the console shows beside how campaigns stand: contacts, tries to come, calls over time, what needs a person."""
