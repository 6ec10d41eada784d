"""The limits of devices: a device password opens at most what it was made for."""

from davserver.policy import Action, Decision, Policy
from davserver.policy.rights import needed


class DeviceLimits(Policy):
    """Hides other dossiers from a device that is limited to one, and refuses what needs a right
    that was not left to the device, whatever its user may do himself."""

    alike = True

    def judge(self, action: Action) -> Decision | None:
        device = action.actor.device
        if device is None:
            return None
        if device.dossier_id not in (None, action.dossier.id):
            return Decision.hide("Le mot de passe de cet appareil n'ouvre qu'un autre dossier.")
        wanted = needed(action.act, of_file=action.entry is not None and action.entry.is_file)
        # Acts that no right opens follow from others, or have a policy of their own.
        if not wanted or any(rights in device.rights for rights in wanted):
            return None
        return Decision.deny(
            f"Le mot de passe de l'appareil « {device.name} » ne permet pas cette opération.",
            phrase="Non permis a cet appareil",
        )
