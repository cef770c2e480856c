"""The sections of a campaign file, one to a file; `campaigns.definition` puts them together."""
