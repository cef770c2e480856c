"""The ledger under fire: a whole stack of real processes, faults thrown at all of them, and a verdict on the ledger.

`make chaos` runs it long, `tests/chaos/test_storm.py` short. The judge knows the sandbox's log and the list of
contacts; what the ledger says is held against them.
"""
