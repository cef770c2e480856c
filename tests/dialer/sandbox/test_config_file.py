"""A sandbox is configured by a file, and a bad one is told with its key."""

from __future__ import annotations

import pytest

from dialer.sandbox.config import BadConfig, load_config


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
