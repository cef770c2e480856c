"""Drafts that a person makes step by step: from an uploaded list, by proposals that are confirmed or changed."""
