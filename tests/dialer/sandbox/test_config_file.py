"""A sandbox is configured by a file, and a bad one is told with its key."""

from __future__ import annotations

import pytest

from dialer.sandbox.config import BadConfig, load_config
from tests.support.sandbox_clients import until


def test_a_file_says_everything_about_a_sandbox_and_options_win(tmp_path):
    file = tmp_path / "sandbox.yaml"
    file.write_text(
        "tts_limit: 200\nspeed: 5\nwhitelist: [10.0.0.0/8]\ncomponents: [Call API Basic set]\n"
        "office:\n  employees: {7: {name: Ann, numbers: ['107']}}\n  record_all: true\n"
    )
    config = load_config(file, speed=2.0)
    assert (config.tts_limit, config.speed, config.office.record_all) == (200, 2.0, True)
    assert config.office.employees[7].numbers == ("107",)
    assert not config.admits("127.0.0.1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tts_limt: 5", "tts_limt: Extra inputs"),
        ("office: {coach: '+1'}", "office.coach: String should match"),
        ("[1]", "keys and values are expected"),
        ("{", "flow"),
        ("speed: 0", "speed: Input should be greater than 0"),
    ],
)
def test_a_bad_file_is_told_with_its_key(tmp_path, text, said):
    file = tmp_path / "sandbox.yaml"
    file.write_text(text)
    with pytest.raises(BadConfig, match=r"sandbox\.yaml") as caught:
        load_config(file)
    assert said in str(caught.value)
    with pytest.raises(BadConfig, match="No such file"):
        load_config(tmp_path / "none.yaml")


def test_the_client_area_has_the_media_numbers_and_sessions_of_its_file(start):
    office = {"media_files": [7], "virtual_numbers": ["14155550190"], "session_seconds": 0.001}
    vendor = start(office=office)

    def plays(media: str) -> bool:
        said = {"contact_message": {"type": "media", "value": media}, "virtual_phone_number": "14155550190"}
        return "result" in vendor.informer(**said)

    assert (plays("7"), plays("8")) == (True, False)
    assert vendor.informer("14155550190")["error"]["data"]["mnemonic"] == "own_virtual_phone_number_not_allowed"
    token = vendor.rpc("login.user", login="sandbox", password="sandbox")["result"]["data"]["access_token"]
    vendor.sandbox.configure(speed=100)
    until(lambda: "error" in vendor.rpc("list.calls", access_token=token))
