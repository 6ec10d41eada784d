"""The drive kit: ready files by which somebody's computer opens the drive, made for him.

Turns (system, drive) into text, and knows nothing of how the text reaches the person. No file ever
holds a password: each asks for it on the person's own computer.
"""

from davserver.kit.drive import BadDrive, Drive
from davserver.kit.writing import FILES, STYLE, SYSTEMS, File, page, written

__all__ = ["FILES", "STYLE", "SYSTEMS", "BadDrive", "Drive", "File", "page", "written"]
