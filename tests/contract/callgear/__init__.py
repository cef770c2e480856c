"""The Call API's document held against both sides of the wire."""
