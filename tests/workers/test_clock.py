"""What a process knows of its clock is from its own life."""

import subprocess
import sys

SET_BEFORE_THE_FORK = """
import os
from datetime import timedelta

import time_machine
from dialer.deadline import utc_now
from workers.clock import possible_times

with time_machine.travel(utc_now() + timedelta(hours=2)):
    assert len(possible_times()) == 2, "the clock was set while this process runs"
    if (forked := os.fork()) == 0:
        os._exit(len(possible_times()))
    assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 1, "the forked one has begun since"
    assert len(possible_times()) == 2
"""


def test_a_clock_that_was_set_before_a_process_was_forked_is_not_in_doubt_there():
    done = subprocess.run([sys.executable, "-c", SET_BEFORE_THE_FORK], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
