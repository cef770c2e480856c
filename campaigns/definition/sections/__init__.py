"""The sections of a campaign file, one module each; `campaigns.definition` combines them."""
