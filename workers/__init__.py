"""What runs, and when: the Celery app, its tasks and ticks, settings, logs, the wiring, the embedded stack."""
