"""What holds for a phone number in every campaign: spellings, suppressions, frequency caps, erasures."""
