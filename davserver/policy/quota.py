"""Quotas: a dossier and its expert's platform have so many bytes."""

from davserver.policy import Act, Action, Decision, Policy

_GROWS = frozenset({Act.ADD, Act.COMPLETE, Act.REPLACE, Act.ARRIVE})


class Quota(Policy):
    """Refuses what would pass the quota of the dossier or of the platform, before the transfer."""

    alike = True

    def judge(self, action: Action) -> Decision | None:
        if action.act not in _GROWS or not action.size:
            return None
        growth = action.size - action.replaced
        dossier = action.dossier
        if growth > 0 and dossier.used + growth > dossier.quota:
            return _full("le dossier", dossier.quota - dossier.used)
        if growth > 0 and dossier.platform_used + growth > dossier.platform_quota:
            return _full(
                "la plateforme de l'expert", dossier.platform_quota - dossier.platform_used
            )
        return None


def _full(what: str, left: int) -> Decision:
    room = f"{max(left, 0) / 1_000_000:.1f}".replace(".", ",")
    return Decision.deny(
        f"Plus assez de place : il reste {room} Mo dans {what}. Réduisez le fichier ou prévenez "
        "l'expert.",
        phrase="Quota atteint - plus assez de place",
        status=507,
        condition="quota-not-exceeded",
    )
