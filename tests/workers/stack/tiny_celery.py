"""A Celery app as small as they come, for stacks under test: one task, and one beat entry."""

import os
import sys

from celery import Celery

app = Celery("tiny", broker=os.environ["DIALER_REDIS__URL"])
app.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    beat_schedule={"often": {"task": "tiny.note", "schedule": 0.5}},
    beat_max_loop_interval=0.2,
    beat_scheduler="celery.beat:Scheduler",  # it keeps no file
)


@app.task(name="tiny.note")
def note() -> None:
    """Do nothing; that it ran is in the log."""


if "flower" in sys.argv:
    from workers import flower_guard

    flower_guard.install()
