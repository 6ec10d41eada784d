"""The WebDAV door: a custom WsgiDAV provider, its resources, and one file per verb.

The door translates requests into operations of :mod:`davserver.tree` and their results into
answers; it decides nothing and changes no row itself.
"""
