"""CallGear, also sold as UIS, CoMagic and Novofon: the Call API v4.0."""
