"""Bodies of requests: documents, and the XML that several clients send alike."""

PROLOGUE = '<?xml version="1.0" encoding="utf-8"?>'
ALLPROP = f'{PROLOGUE}<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'.encode()


def pdf(seed: str, size: int = 5_000) -> bytes:
    """A document of ``size`` bytes that no other seed gives."""
    line = f"% {seed}\n".encode()
    return (b"%PDF-1.7\n" + line * (size // len(line) + 1))[:size]


def lockinfo(owner: str) -> bytes:
    """An exclusive write lock; ``owner`` is XML."""
    return (
        f'{PROLOGUE}\n<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        f"<D:locktype><D:write/></D:locktype><D:owner>{owner}</D:owner></D:lockinfo>"
    ).encode()


def asking(*properties: str, namespaces: str = "") -> bytes:
    """A PROPFIND of these properties, written with the prefix that they have in the request."""
    inner = "".join(f"<{name}/>" for name in properties)
    return (
        f'{PROLOGUE}\n<D:propfind xmlns:D="DAV:"{namespaces}><D:prop>{inner}</D:prop></D:propfind>'
    ).encode()


def setting(properties: str, namespaces: str) -> bytes:
    """A PROPPATCH that sets ``properties``, given as XML."""
    return (
        f'{PROLOGUE}\n<D:propertyupdate xmlns:D="DAV:" {namespaces}><D:set><D:prop>{properties}'
        "</D:prop></D:set></D:propertyupdate>"
    ).encode()
