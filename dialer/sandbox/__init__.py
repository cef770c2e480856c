"""A server that speaks the vendors' protocols strictly, over HTTP, and calls nobody.

`server` serves it, `running` runs one inside a test, `numbers` says what each reserved number does. It shares no code
with the providers it judges. Durations on the wire are in the sandbox's own seconds, which run `speed` times faster
than ours; instants on the wire (timestamps, a token's end) are always real time.
"""
