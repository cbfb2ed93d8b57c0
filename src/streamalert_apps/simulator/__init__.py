"""The machinery of twins: the vendors' APIs, faked well enough to catch a wrong client.

A vendor's twin is in the room of its service; nothing here knows one of them,
but for the sign-in that several of Microsoft's share.
"""
