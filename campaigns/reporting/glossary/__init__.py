"""The words for people of what the ledger says about contacts, calls and campaigns, for all pages and reports.

Statuses and outcomes have a label and a meaning. The ledger's own sentences are written anew by
`plain`. All of it is English; a page translates it.
"""

from campaigns.reporting.glossary.labels import label, meaning
from campaigns.reporting.glossary.sentences import plain

__all__ = ["label", "meaning", "plain"]
