"""What hostile and broken clients send: texts that are nearly what is meant, and noise."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

# What a header can carry past the server's own reading: no control but the tabulator.
_NOISE = st.text(
    st.characters(codec="latin-1", exclude_categories=["Cc"]) | st.just("\t"), max_size=8
)


def made_of(*pieces: str, most: int = 12) -> SearchStrategy[str]:
    """Texts made of these pieces, of their halves and doubles, with noise between."""
    piece = st.sampled_from(pieces)
    spoilt = st.one_of(
        piece,
        piece,
        piece.map(lambda text: text[: len(text) // 2]),
        piece.map(lambda text: text * 2),
        st.integers(min_value=-(10**25), max_value=10**25).map(str),
        _NOISE,
    )
    heaps = st.tuples(piece, st.integers(100, 3_000)).map(lambda heap: heap[0] * heap[1])
    return st.one_of(
        st.lists(spoilt, max_size=most).map("".join),
        st.lists(spoilt, max_size=most).map("".join),
        st.lists(spoilt, max_size=most).map("".join),
        heaps.map(lambda text: text[:8_000]),
    )


SEGMENTS = (
    "a",
    "%2F",
    "%2f",
    "%5C",
    "%00",
    "%2e",
    "..",
    ".",
    "%",
    "%e9",
    "%C3%A9",
    "e%CC%81",
    "%ED%A0%80",
    "%EF%BF%BE",
    "%E2%80%AE",
    "%0d%0a",
    "%25",
    "+",
    ";",
    ":",
    "~$",
    "CON",
    "x.",
    "%20",
    "a" * 250,
    "Espace%20de%20l'expert",
    "nul",
    "ﬁ".encode().decode("latin-1"),
)
PATHS = made_of(
    "/", "/dav", "/dav/", "/dav/x", "?", "#", "*", "//", "/kit/", "/principals/", *SEGMENTS
)
URLS = made_of(
    "http://",
    "https://",
    "127.0.0.1",
    "[::1]",
    "[",
    "]",
    ":8080",
    ":",
    "@",
    "evil.example",
    "/dav",
    "/",
    "//",
    "?",
    "#",
    "\\",
    *SEGMENTS,
)
IFS = made_of(
    "(",
    ")",
    "<",
    ">",
    "[",
    "]",
    '"',
    "Not ",
    "not",
    "W/",
    ",",
    " ",
    "\t",
    "</dav/x> ",
    "<urn:x>",
    '(["a"])',
    "(<opaquelocktoken:1>)",
    "<http://127.0.0.1/dav/x>",
    most=20,
)
TAGS = made_of('"', '"a"', "W/", "*", ",", " ", "'", "a", '""')
RANGES = made_of("bytes", "=", "-", ",", "0", "9", "0-1", "lines", " ", "9" * 400, "+", "_", "x")
DATES = made_of(
    "Tue, 12 Mar 2024 10:00:00 GMT",
    "2024-03-12T10:00:00Z",
    "Tue",
    ",",
    " ",
    "12",
    "Mar",
    "2024",
    "99999999",
    "10:00:00",
    "GMT",
    "+0000",
    "-9999",
    "+99:99",
    ":",
    "T",
    "Z",
    "-",
)
BASICS = made_of(
    "Basic", "basic ", " ", "YTpi", "Og==", "=", "//79", "YQBiOmM=", "Bearer ", "Digest ", "!!!"
)
DEPTHS = made_of("0", "1", "infinity", "Infinity", ",", " ", "2", "-1", "noroot")
TIMEOUTS = made_of("Second-", "Infinite", ",", " ", "1", "180", "9" * 30, "-", "second-4100000000")
TOKENS = made_of(
    "<", ">", "opaquelocktoken:", "urn:uuid:", "00000000-0000-0000-0000-000000000000", " "
)
DIGESTS = made_of(
    "sha-256",
    "=",
    ":",
    ",",
    ";",
    "AAAA",
    "md5",
    "SHA1:",
    "ADLER32:",
    "zz",
    " ",
    "==",
    "adler32=:AA==:",
)
WORDS = made_of(
    "T",
    "F",
    "t",
    " ",
    "return=minimal",
    "depth-noroot",
    ";",
    ",",
    '"',
    "1",
    "chunked",
    "1e400",
    "nan",
    "-0.5",
    "0x1",
    "text/xml",
    "application/xml",
)
HEADERS = {
    "destination": URLS,
    "if": IFS,
    "if-match": TAGS,
    "if-none-match": TAGS,
    "if-range": TAGS | DATES,
    "if-modified-since": DATES,
    "if-unmodified-since": DATES,
    "range": RANGES,
    "depth": DEPTHS,
    "timeout": TIMEOUTS,
    "lock-token": TOKENS,
    "overwrite": WORDS,
    "prefer": WORDS,
    "x-oc-mtime": WORDS,
    "x-expected-entity-length": WORDS,
    "oc-checksum": DIGESTS,
    "content-digest": DIGESTS,
    "repr-digest": DIGESTS,
    "digest": DIGESTS,
    "content-md5": DIGESTS,
    "content-encoding": WORDS,
    "accept": WORDS,
    "content-range": RANGES,
    "user-agent": WORDS,
}

_NAMES = (
    "D:propfind",
    "D:prop",
    "D:allprop",
    "D:propname",
    "D:include",
    "D:propertyupdate",
    "D:set",
    "D:remove",
    "D:lockinfo",
    "D:lockscope",
    "D:locktype",
    "D:exclusive",
    "D:shared",
    "D:write",
    "D:owner",
    "D:mkcol",
    "D:resourcetype",
    "D:collection",
    "D:sync-collection",
    "D:sync-token",
    "D:sync-level",
    "D:limit",
    "D:nresults",
    "D:displayname",
    "D:getetag",
    "a",
    "Z:Win32LastModifiedTime",
    "N:" + "n" * 300,
)
_TEXTS = made_of(
    "x",
    "1",
    "infinite",
    "&amp;",
    "&#13;",
    "&#xD800;",
    "&b;",
    "<![CDATA[x]]>",
    "<!--x-->",
    "<?x y?>",
    "]]>",
    "é",
    " ",
    "Tue, 12 Mar 2024 10:00:00 GMT",
    most=4,
)
_SPACES = 'xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:" xmlns:N="n}{&lt;" xml:lang="fr"'


def _element(children: SearchStrategy[str]) -> SearchStrategy[str]:
    inside = st.lists(children, max_size=4).map("".join)
    return st.tuples(st.sampled_from(_NAMES), inside).map(lambda e: f"<{e[0]}>{e[1]}</{e[0]}>")


def _document(root: str, inside: str) -> bytes:
    return f"<{root} {_SPACES}>{inside}</{root}>".encode()


_trees = st.recursive(_TEXTS, _element, max_leaves=12)
_documents = st.builds(
    _document, st.sampled_from(_NAMES), st.lists(_trees, max_size=4).map("".join)
)
_prologues = st.sampled_from(
    [
        b"",
        b'<?xml version="1.0"?>',
        b'<?xml version="1.0" encoding="utf-16"?>',
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b'<?xml version="1.0" encoding="x-unknown"?>',
        b'<!DOCTYPE a [<!ENTITY b "c">]>',
        b"<a>" * 400,
    ]
)
XML = st.one_of(
    _documents,
    st.builds(bytes.__add__, _prologues, _documents),
    st.builds(lambda text, at: text[: at % (len(text) + 1)], _documents, st.integers(0, 4_000)),
    st.binary(max_size=60),
)
"""Bodies: trees of known elements in any order, some with a strange beginning, some cut short."""
