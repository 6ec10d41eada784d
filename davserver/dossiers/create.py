"""A whole dossier in one act: parties, lawyers, group, tree, mailboxes, archives, rights, alerts.

It replaces the five steps by hand (enrol, group, reading, alerts, writing per box); each step is
also an operation of its own, used here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from davserver.accounts import administration, groups, passwords, people
from davserver.accounts.people import PeopleProblem
from davserver.dossiers.plan import (
    DossierPlan,
    FolderPlan,
    Person,
    RepresentationPlan,
    Template,
    read_template,
)
from davserver.model import (
    Dossier,
    DossierKind,
    DossierState,
    Group,
    Node,
    NodeKind,
    NodeRole,
    NodeState,
    Participant,
    Party,
    Platform,
    Representation,
    Role,
    User,
    UserKind,
)
from davserver.names import composed, fault, name_key
from davserver.policy.rights import Rights
from davserver.tree import changes, grants, write
from davserver.tree.lookup import ROOT_ID, SPACE_NAME, Spot
from davserver.work import Work


@dataclass
class Created:
    """What was made: the dossier, and the passwords of new accounts, to be handed over once."""

    dossier: Dossier
    passwords: dict[str, str] = field(default_factory=dict)


def create_platform(work: Work, expert: User) -> Platform:
    """The expert's platform with his private space, which lies outside of every dossier.

    Does nothing but return it when he has one.
    """
    platform = work.session.scalars(select(Platform).where(Platform.expert_id == expert.id)).first()
    if platform is not None:
        return platform
    platform = Platform(
        name=f"{expert.display_name} ({expert.login})",
        expert_id=expert.id,
        quota=work.settings.limits.platform_quota,
    )
    work.session.add(platform)
    work.session.flush()
    title = f"{SPACE_NAME} ({expert.login})"
    space = _new_dossier(work, platform, title, DossierKind.EXPERT_SPACE, platform.quota)
    source = _folder(work, space, None, title, NodeRole.SOURCE)
    _take_part(work, space, expert, Role.EXPERT)
    grants.give(work, _spot(space, [source]), expert, Rights.ALL, recursive=True)
    return platform


def create(
    work: Work, plan: DossierPlan, *, password: Callable[[str], str] | None = None
) -> Created:
    """Make the dossier of ``plan``, all of it or nothing.

    ``password`` gives the password of a new account by its login (random without it). Raises
    PeopleProblem for a person or title that does not fit.
    """
    template = read_template(plan.template)
    expert = people.find(work.session, plan.expert)
    platform = create_platform(work, expert)
    title = composed(plan.title)
    if work.session.scalar(
        select(Node.id).where(Node.parent_id == ROOT_ID, Node.name_key == name_key(title))
    ):
        raise PeopleProblem(f"Un dossier porte déjà le titre « {title} ».")
    dossier = _new_dossier(
        work, platform, title, DossierKind.EXPERTISE,
        plan.quota or work.settings.limits.dossier_quota,
    )  # fmt: skip
    dossier.reference, dossier.state, dossier.deadline = plan.reference, plan.state, plan.deadline
    created = Created(dossier)
    group = groups.add(work.session, dossier, plan.group, expert)
    source = _folder(work, dossier, None, title, NodeRole.SOURCE)
    top = _spot(dossier, [source])
    _take_part(work, dossier, expert, Role.EXPERT)
    grants.give(work, top, group, template.group, recursive=True)
    grants.give(work, top, expert, template.expert, recursive=True)
    grants.alert(work, top, group, told=True)

    def enrol(person: Person, role: Role) -> User:
        user = _account(work, dossier, person, created, password)
        _take_part(work, dossier, user, role)
        groups.join(work.session, dossier, group, user)
        return user

    assistants = [enrol(person, Role.ASSISTANT) for person in plan.assistants]
    for assistant in assistants:
        grants.give(work, top, assistant, template.assistant, recursive=True)
    for person in plan.advisers:
        enrol(person, Role.ADVISER)
    for person in plan.judges:
        enrol(person, Role.JUDGE)
    boxes = [
        (person, enrol(person, Role.LAWYER if _is_lawyer(person) else Role.PARTY))
        for person in plan.representations
    ]
    sapiteurs = [(person, enrol(person, Role.SAPITEUR)) for person in plan.sapiteurs]
    represented = [
        _representation(work, dossier, user, person.box or _box_name(person, user), person.parties)
        for person, user in boxes
    ]
    helpers = [
        _representation(work, dossier, user, person.box or user.display_name, ())
        for person, user in sapiteurs
    ]
    for folder in template.folder:
        _make(work, dossier, source, folder, template, (expert, group, assistants),
              represented, helpers)  # fmt: skip
    write.record(work, "dossier.create", dossier, title=title, expert=expert.login)
    return created


def _make(
    work: Work,
    dossier: Dossier,
    source: Node,
    plan: FolderPlan,
    template: Template,
    who: tuple[User, Group, Sequence[User]],
    represented: Sequence[tuple[Representation, User]],
    helpers: Sequence[tuple[Representation, User]],
) -> None:
    """One folder of the template, with its exceptions, and its boxes or archives."""
    roles = {"mailboxes": NodeRole.MAILBOXES, "archives": NodeRole.ARCHIVES}
    folder = _folder(work, dossier, source, plan.name, roles.get(plan.role, NodeRole.PLAIN))
    spot = _spot(dossier, [source, folder])
    expert, group, assistants = who
    exceptions: list[tuple[User | Group, Rights | None]] = [
        (expert, plan.expert),
        (group, plan.group),
    ]
    exceptions += [(assistant, plan.assistant) for assistant in assistants]
    for principal, rights in exceptions:
        if rights is not None:
            grants.give(work, spot, principal, rights, recursive=True)
    for representation, owner in represented if plan.role == "mailboxes" else helpers:
        if plan.role in ("mailboxes", "sapiteurs"):
            box = _folder(work, dossier, folder, representation.name, NodeRole.MAILBOX)
            box.representation_id = representation.id
            grants.give(
                work, _spot(dossier, [source, folder, box]), owner, Rights.ADD, recursive=True
            )
    if plan.role == "archives":
        for representation, _ in represented:
            archive = _folder(work, dossier, folder, representation.name, NodeRole.ARCHIVE)
            archive.representation_id = representation.id
            for name in template.archive:
                _folder(work, dossier, archive, name, NodeRole.PLAIN)


def _new_dossier(
    work: Work, platform: Platform, title: str, kind: DossierKind, quota: int
) -> Dossier:
    dossier = Dossier(
        platform=platform,
        kind=kind,
        title=title,
        state=DossierState.UNDER_WAY,
        state_since=work.now,
        quota=quota,
        created=work.now,
    )
    work.session.add(dossier)
    work.session.flush()
    return dossier


def _folder(work: Work, dossier: Dossier, parent: Node | None, name: str, role: NodeRole) -> Node:
    if why := fault(name):
        raise PeopleProblem(f"« {name} » ne peut pas être un nom de dossier : {why}.")
    folder = Node(
        parent_id=parent.id if parent else ROOT_ID,
        dossier_id=dossier.id,
        name=composed(name),
        name_key=name_key(name),
        kind=NodeKind.FOLDER,
        role=role,
        state=NodeState.PUBLISHED,
        inherits=True,
        created=work.now,
        modified=work.now,
        written=work.now,
    )
    changes.begins(work, dossier, folder)
    folder.members_change = folder.change
    work.session.add(folder)
    work.session.flush()
    return folder


def _spot(dossier: Dossier, folders: Sequence[Node]) -> Spot:
    path = tuple(folder.name for folder in folders)
    return Spot(path, dossier, tuple(folders[:-1]), folders[-1], seen=True)


def _take_part(work: Work, dossier: Dossier, user: User, role: Role) -> None:
    found = work.session.get(Participant, (dossier.id, user.id))
    if found is not None:
        raise PeopleProblem(f"« {user.login} » figure deux fois dans ce dossier.")
    work.session.add(Participant(dossier_id=dossier.id, user_id=user.id, role=role))
    dossier.rights_changed()
    work.session.flush()


def _account(
    work: Work,
    dossier: Dossier,
    person: Person,
    created: Created,
    password: Callable[[str], str] | None,
) -> User:
    """The account of ``person``: found by its login, else made."""
    try:
        user = people.find(work.session, person.login)
    except PeopleProblem:
        if not person.email:
            raise
        chosen = password(person.login) if password else passwords.generated()
        created.passwords[person.login] = chosen
        return administration.add_user(
            work,
            first_name=person.first_name,
            last_name=person.last_name,
            email=person.email,
            login=person.login,
            password=chosen,
            dossier=dossier if person.private else None,
        )
    if user.kind is UserKind.PRIVATE and user.dossier_id != dossier.id:
        raise PeopleProblem(f"« {user.login} » est un utilisateur privé d'un autre dossier.")
    return user


def _representation(
    work: Work, dossier: Dossier, user: User, name: str, parties: Sequence[str]
) -> tuple[Representation, User]:
    representation = Representation(dossier_id=dossier.id, user_id=user.id, name=composed(name))
    work.session.add(representation)
    work.session.flush()
    for party in parties:
        work.session.add(Party(representation_id=representation.id, name=party))
    return representation, user


def _is_lawyer(person: RepresentationPlan) -> bool:
    return bool(person.parties)


def _box_name(person: RepresentationPlan, user: User) -> str:
    """« Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers) », « Ulysse PERSONNE (sans avocat) »."""
    return f"{user.display_name} ({', '.join(person.parties) or 'sans avocat'})"
