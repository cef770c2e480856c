"""Webex Connect, imiconnect before: voice through Send Message v2.

`WebexConnect` and `AsyncWebexConnect` are its client as a library; campaigns use the provider under them.
"""

from dialer.providers.webex.client import AsyncWebexConnect, WebexConnect
from dialer.providers.webex.messages import InvalidMessage, VoiceMessage

__all__ = ["AsyncWebexConnect", "InvalidMessage", "VoiceMessage", "WebexConnect"]
