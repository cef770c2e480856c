"""When and where things run: the Celery app, its tasks and ticks, the wiring, the embedded stack."""
