"""Which policies are active: all built-in ones, and those third-party ones that the settings name.

Installing a package activates nothing. A policy that cannot be loaded, or does not fit, stops the
start: a rule that is silently absent would be worse than no server.
"""

from collections.abc import Sequence
from importlib.metadata import entry_points

from davserver.policy import Policy
from davserver.policy.antivirus import Antivirus
from davserver.policy.archives import Archives
from davserver.policy.devices import DeviceLimits
from davserver.policy.dossier_state import DossierLife
from davserver.policy.file_names import FileNames
from davserver.policy.gate import Gate
from davserver.policy.mailbox import Mailbox
from davserver.policy.quota import Quota
from davserver.policy.recursive_rights import RecursiveRights
from davserver.policy.side_files import SideFiles
from davserver.policy.structure import Structure
from davserver.settings import BadSettings, PolicySettings, Settings

ENTRY_POINTS = "davserver.policy"
_MOMENTS = frozenset({"judge", "inspect"})


def make_gate(settings: Settings) -> Gate:
    """The gate of a site. Raises BadSettings for a third-party policy that does not fit."""
    # The order decides nothing but which reason people read when several policies refuse.
    policies: list[tuple[str, Policy]] = [
        ("structure", Structure()),
        ("mailbox", Mailbox(folders=settings.deposit.folders)),
        ("archives", Archives()),
        ("dossier_state", DossierLife()),
        ("devices", DeviceLimits()),
        ("recursive_rights", RecursiveRights()),
        ("file_names", FileNames()),
        ("quota", Quota()),
        ("side_files", SideFiles()),
        ("antivirus", Antivirus(active=settings.antivirus.active)),
    ]
    return Gate(policies, _third_party(settings.policy))


def _third_party(wanted: Sequence[PolicySettings]) -> list[tuple[str, Policy]]:
    installed = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    loaded = []
    for item in wanted:
        point = installed.get(item.use)
        if point is None:
            known = ", ".join(sorted(installed)) or "aucune"
            raise BadSettings(f"policy « {item.use} » : non installée (installées : {known}).")
        try:
            kind = point.load()
            policy = kind(**item.options)
        except Exception as error:
            # Whatever the package says, the administrator reads one line.
            reason = " ".join(str(error).split()) or type(error).__name__
            raise BadSettings(f"policy « {item.use} » : {reason}") from error
        _check(item.use, policy)
        loaded.append((item.use, policy))
    return loaded


def _check(name: str, policy: object) -> None:
    if not isinstance(policy, Policy):
        raise BadSettings(f"policy « {name} » : ce n'est pas une davserver.policy.Policy.")
    public = {
        key
        for key in dir(type(policy))
        if not key.startswith("_") and callable(getattr(type(policy), key))
    }
    if unknown := public - _MOMENTS:
        # « juge » instead of « judge » would abstain for ever.
        raise BadSettings(
            f"policy « {name} » : méthode publique inattendue « {sorted(unknown)[0]} » "
            f"(attendues : {', '.join(sorted(_MOMENTS))})."
        )
    if all(getattr(type(policy), moment) is getattr(Policy, moment) for moment in _MOMENTS):
        raise BadSettings(f"policy « {name} » : ni judge ni inspect ; elle ne ferait rien.")
