"""The words of people for what the ledger says of contacts, calls and campaigns: the one source of pages and reports.

Statuses and outcomes have a label and a meaning. The ledger's own sentences are written anew by
`plain`. All of it is English; a page translates it.
"""

from campaigns.reporting.glossary.labels import label, meaning
from campaigns.reporting.glossary.sentences import plain

__all__ = ["label", "meaning", "plain"]
