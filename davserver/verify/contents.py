"""What the rows tell of the bytes: sizes, hashes and quotas."""

from collections import defaultdict
from collections.abc import Iterator

from davserver.model import DossierKind, DossierState, NodeKind, NodeRole, NodeState
from davserver.verify.rows import OPEN, Rows


def faults(rows: Rows) -> Iterator[str]:
    """Files agree with the rows of their bytes, dossiers with their files."""
    yield from _files(rows)
    yield from _dossiers(rows)


def _files(rows: Rows) -> Iterator[str]:
    """A file has the size and hash of its bytes, a folder has none."""
    for node in rows.nodes.values():
        where = f"node {node.id} ({rows.path(node.id)})"
        if node.blob_id is None:
            if node.size or node.sha256:
                yield f"{where}: it has a size or a hash, and no bytes"
        elif node.kind == NodeKind.FOLDER:
            yield f"{where}: a folder with bytes"
        elif (blob := rows.blobs.get(node.blob_id)) is None:
            yield f"{where}: the row of its bytes is missing"
        elif (node.size, node.sha256) != (blob.size, blob.sha256):
            yield f"{where}: its size or hash is not that of its bytes"
        if node.kind == NodeKind.FILE and node.state in OPEN:
            if (node.state == NodeState.RECEIVED) != (node.size > 0):
                yield f"{where}: reserved with content, or received without"


def _dossiers(rows: Rows) -> Iterator[str]:
    """Each dossier has its one source folder, and counts the bytes of its files; the platform those
    of all its dossiers."""
    used: dict[int, int] = defaultdict(int)
    counted: dict[int, int] = defaultdict(int)
    sources = defaultdict(list)
    for node in rows.nodes.values():
        if node.state != NodeState.SIDE and node.dossier_id is not None:
            used[node.dossier_id] += node.size
        if node.role == NodeRole.SOURCE:
            sources[node.dossier_id].append(node.name)
    for dossier in rows.dossiers.values():
        where = f"dossier {dossier.id} ({dossier.title})"
        if dossier.used != used[dossier.id]:
            yield f"{where}: counts {dossier.used} bytes, its files have {used[dossier.id]}"
        counted[dossier.platform_id] += dossier.used
        wanted = [] if dossier.state == DossierState.PURGED else [dossier.title]
        if sources[dossier.id] != wanted:
            yield f"{where}: its source folders are {sources[dossier.id]}, not {wanted}"
        if dossier.kind == DossierKind.EXPERT_SPACE and dossier.state == DossierState.PURGED:
            yield f"{where}: an expert's space is never purged"
    for platform in rows.platforms:
        where, count = f"platform {platform.id} ({platform.name})", counted[platform.id]
        if platform.used != count:
            yield f"{where}: counts {platform.used} bytes, its dossiers {count}"
