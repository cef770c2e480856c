"""The embedded stack: Redis, workers, beat, console, Flower and sandbox as child processes of one command."""
