"""Which store a site has: a folder, or an S3 store where the settings name a bucket."""

from davserver.settings import Settings
from davserver.storage import BlobStore
from davserver.storage.directory import DirectoryBlobStore


def open_store(settings: Settings, identity: str) -> BlobStore:
    """The blob store of the site of ``identity``. One of an S3 store must be opened by the process
    that uses it, after any fork."""
    data = settings.storage.data
    if not settings.s3.bucket:
        return DirectoryBlobStore(data, identity)
    # Imported here: only a site that has outgrown one disk needs the S3 client to be installed.
    from davserver.storage.objects import ObjectBlobStore

    return ObjectBlobStore(settings.s3, data / "spool", identity)
