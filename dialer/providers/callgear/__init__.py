"""CallGear, also sold as UIS, CoMagic and Novofon: the Call API v4.0.

`dialer.clients.callgear` is the API as a library; campaigns use the provider under it.
"""
