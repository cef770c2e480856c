"""What other dialers were seen to get wrong, each with the tests that keep it from happening here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DEFECTS = {
    "Newfies: a call request is dialed whatever its status, and its campaign's": [
        "campaigns/dispatch/test_dial.py::test_a_slice_delivered_many_times_at_once_calls_each_number_once",
        "scenarios/test_rules_before_each_call.py::test_a_pause_between_claim_and_dial_holds_against_ten_racing_workers",
    ],
    "Newfies: a retry is a countdown that asks neither window nor suppression list": [
        "scenarios/test_rules_before_each_call.py::test_a_retry_due_after_hours_waits_for_the_morning",
        "scenarios/test_rules_before_each_call.py::test_a_contact_suppressed_while_waiting_for_a_retry_is_not_dialed_again",
        "scenarios/test_rules_before_each_call.py::test_a_window_that_closed_between_the_claim_and_the_retry_holds_against_ten_racing_workers",
        "scenarios/test_rules_before_each_call.py::test_a_pause_between_the_claim_and_the_retry_holds_against_ten_racing_workers",
    ],
    "Newfies: a retried call loses the caller's name": [
        "scenarios/test_rules_before_each_call.py::test_a_retried_call_carries_every_field_of_the_first"
    ],
    "Newfies: wrong numbers and refusals are retried like busy": [
        "campaigns/settlement/test_endings.py::test_what_is_permanent_is_never_tried_again"
    ],
    "Newfies: weekdays from UTC, hours from the server, never across midnight": [
        "campaigns/calendar/test_calling_hours.py::test_newfies_dates_and_hours_come_from_one_clock_the_contacts",
        "campaigns/calendar/test_calling_hours.py::test_newfies_hours_may_cross_midnight",
    ],
    "Newfies: the frequency cap ignores retries": [
        "scenarios/test_rules_before_each_call.py::test_a_cap_counts_first_tries_and_retries_together",
        "scenarios/test_rules_before_each_call.py::test_a_cap_reached_between_the_claim_and_the_retry_holds_against_ten_racing_workers",
    ],
    "Newfies: options that nothing reads": [
        "campaigns/definition/test_definition.py::test_every_key_arrives_where_the_dial_path_reads_it"
    ],
    "Dograh: one number written in two ways is two people": [
        "campaigns/audience/test_row_reader.py::test_duplicates_are_known_by_their_number_however_it_is_written"
    ],
    "Dograh: rows too short for their number are skipped in silence": [
        "campaigns/audience/test_row_reader.py::test_a_row_too_short_for_its_number_is_reported"
    ],
    "Newfies: a bad cell in the middle leaves half a list imported": [
        "scenarios/test_import.py::test_a_bad_cell_in_row_1500_imports_nothing_and_is_named"
    ],
    "Dograh: the documents name keys that there are not": [
        "docs/test_snippets.py::test_a_campaign_file_in_a_document_is_one"
    ],
    "listmonk: a kill loses who was in flight, and a pause waits for the throttle": [
        "chaos/test_killed_worker.py::test_a_worker_killed_twice_in_mid_campaign_calls_nobody_twice_and_loses_nobody",
        "campaigns/dispatch/test_dial.py::test_a_campaign_paused_while_its_call_waited_for_a_token_dials_nothing",
        "chaos/test_orders.py::test_a_pause_is_silence_a_second_later_and_outlives_every_process",
    ],
    "Somleng: a fixed window lets twice its calls through around its edge": [
        "dialer/bucket/test_properties.py::test_no_window_is_exceeded_everybody_is_served_and_no_token_is_lost"
    ],
    "OpenEWS: a request that timed out is posted once more": [
        "campaigns/dispatch/test_dial.py::test_a_cut_connection_is_in_doubt_and_not_dialed_again"
    ],
    "OpenEWS: the whole audience in memory, in one transaction": [
        "campaigns/audience/test_row_reader.py::test_a_list_is_never_held_in_memory"
    ],
    "Dograh: a zone that it does not know is any time": [
        "campaigns/audience/test_row_reader.py::test_a_blank_zone_means_that_of_the_number_and_a_wrong_one_means_no_call"
    ],
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_that_was_read_in_another_dialer_has_its_test(defect):
    for named in DEFECTS[defect]:
        file, _, name = named.partition("::")
        text = (TESTS / file).read_text()
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{named} is gone: {defect}"
