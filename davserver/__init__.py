"""davserver: the shared dossiers of a court expert, served as network drives over WebDAV."""

from importlib.metadata import version

__version__ = version("davserver")
