"""The page "new campaign": from an uploaded list to a started campaign, step by step; a draft keeps it all."""
