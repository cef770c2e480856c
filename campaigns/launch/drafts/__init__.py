"""Drafts: campaigns that programs and pages create with their lists, check, and start."""
