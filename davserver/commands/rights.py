"""``davserver rights``: rights on folders, and why somebody may do something or not."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import or_, select

from davserver.accounts import devices, people
from davserver.commands.failures import Failure, Misuse
from davserver.commands.options import (
    Config,
    Data,
    Json,
    OnlyHere,
    PathArgument,
    PrincipalArgument,
    address_of,
    principal_of,
    reading,
    writing,
)
from davserver.commands.output import print_facts, print_json, print_table
from davserver.errors import BadRequest
from davserver.model import Dossier, Grant, Group, Membership, Node, Participant, User
from davserver.policy.rights import BASIC_FRENCH, FRENCH, Rights, french, parse
from davserver.tree import explain as explaining
from davserver.tree import grants
from davserver.tree.explain import Explanation, Question
from davserver.work import Work

group = typer.Typer()


@group.command()
def show(
    path: PathArgument, as_json: Json = False, data: Data = None, config: Config = None
) -> None:
    """Show what is given on a folder and above it, and what each member may do there."""
    with reading(config, data) as work:
        spot = grants.place(work, address_of(path).path)
        assert spot.dossier is not None and spot.node is not None  # a place that was found
        folders = [*spot.folders, spot.node]
        facts: dict[str, Any] = {
            "path": "/" + "/".join(spot.path),
            "dossier": spot.dossier.title,
            "inherits": spot.node.inherits,
            "grants": _grants(work, folders),
            "members": _members(work, spot.dossier, folders),
        }
    if as_json:
        print_json(facts)
        return
    print_facts((key, facts[key]) for key in ("path", "dossier", "inherits"))
    print()
    keys = ("principal", "rights", "folder", "recursive")
    print_table(keys, ([row[key] for key in keys] for row in facts["grants"]))
    print()
    keys = ("login", "name", "role", "rights")
    print_table(keys, ([row[key] for key in keys] for row in facts["members"]))


@group.command()
def grant(
    path: PathArgument,
    principal: PrincipalArgument,
    rights: Annotated[
        str,
        typer.Argument(metavar="RIGHTS", help="Words joined by commas: lire,ajouter or read,add."),
    ],
    only_here: OnlyHere = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Give rights on a folder; replaces what the same principal was given there."""
    wanted = _parsed(rights)
    with writing(config, data) as work:
        spot = grants.place(work, address_of(path).path)
        who = principal_of(work, spot, principal)
        grants.give(work, spot, who, wanted, recursive=not only_here)
    typer.echo(f"{principal}: {french(wanted)} on /{'/'.join(spot.path)}")


@group.command()
def revoke(
    path: PathArgument, principal: PrincipalArgument, data: Data = None, config: Config = None
) -> None:
    """Take back what was given on this very folder."""
    with writing(config, data) as work:
        spot = grants.place(work, address_of(path).path)
        if not grants.take(work, spot, principal_of(work, spot, principal)):
            raise Failure(f"« {principal} » n'a reçu aucun droit sur ce dossier même.")
    typer.echo(f"{principal}: nothing of its own on /{'/'.join(spot.path)}")


@group.command()
def cut(path: PathArgument, data: Data = None, config: Config = None) -> None:
    """Cut the inheritance: what is given above a folder counts no more in it."""
    _inherit(path, False, data, config)


@group.command()
def restore(path: PathArgument, data: Data = None, config: Config = None) -> None:
    """Let a folder inherit again what is given above it."""
    _inherit(path, True, data, config)


@group.command()
def explain(
    login: Annotated[str, typer.Argument(metavar="LOGIN")],
    verb: Annotated[str, typer.Argument(metavar="VERB", help="A WebDAV method.")],
    path: PathArgument,
    to: Annotated[str | None, typer.Option(metavar="PATH", help="Of COPY and MOVE.")] = None,
    size: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Bytes of the content of PUT.")
    ] = None,
    sha256: Annotated[
        str, typer.Option("--sha256", metavar="HEX", help="Hash of it: is it there already?")
    ] = "",
    agent: Annotated[str, typer.Option(metavar="UA", help="User agent of the program.")] = "",
    device: Annotated[
        str, typer.Option(metavar="NAME", help="By the password of this device.")
    ] = "",
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Say what the server would answer, which rule decides, and by whose grant on which folder."""
    method = verb.upper()
    if method not in explaining.VERBS:
        raise Misuse(f"« {verb} » n'est pas une méthode WebDAV ({', '.join(explaining.VERBS)}).")
    if (to is None) == (method in ("COPY", "MOVE")):
        raise Misuse("COPY et MOVE demandent --to ; les autres méthodes ne l'acceptent pas.")
    # The trial is undone before the answer is there; a transaction that writes is what it needs.
    with writing(config, data) as work:
        user = people.find(work.session, login)
        by = devices.facts(devices.find(work.session, user, device)) if device else None
        try:
            address, target = address_of(path), address_of(to or "/")
        except BadRequest as problem:
            answer = Explanation(False, problem.status, "address", problem.sentence)
        else:
            question = Question(
                method, address.path, address.slash, target.path, size, sha256.lower(), agent, by
            )
            answer = explaining.explain(work, user, question)
    if as_json:
        print_json(_json(answer))
    else:
        _print(answer)


def _json(answer: Explanation) -> dict[str, Any]:
    return {
        "allowed": answer.allowed,
        "status": answer.status,
        "property_status": answer.property_status,
        "rule": answer.rule,
        "reason": answer.reason,
        "grants": [
            {"folder": row.folder, "principal": row.principal, "rights": french(row.rights)}
            for row in answer.grants
        ],
    }


def _print(answer: Explanation) -> None:
    print_facts(
        [
            ("answer", "allowed" if answer.allowed else "refused"),
            ("status", answer.status),
            ("of the property", answer.property_status),
            ("rule", answer.rule),
            ("reason", answer.reason),
            *(
                ("grant", f"{row.principal}: {french(row.rights)} on {row.folder}")
                for row in answer.grants
            ),
        ]
    )


def _grants(work: Work, folders: Sequence[Node]) -> list[dict[str, Any]]:
    """What is given on the last of ``folders`` and above, the nearest first."""
    return [
        {
            "principal": grants.word(line.principal),
            "rights": french(line.rights),
            "recursive": line.recursive,
            "folder": "/" + "/".join(folder.name for folder in folders[:depth]),
            "inherited": depth < len(folders),
        }
        for depth in range(len(folders), 0, -1)
        for line in grants.on(work, folders[depth - 1])
    ]


def _members(work: Work, dossier: Dossier, folders: Sequence[Node]) -> list[dict[str, Any]]:
    """What each one may do in the last of ``folders``: those with a role, a group or a grant."""
    inside = (
        select(Participant.user_id).where(Participant.dossier_id == dossier.id),
        select(Membership.user_id)
        .join(Group, Group.id == Membership.group_id)
        .where(Group.dossier_id == dossier.id),
        select(Grant.user_id)
        .join(Node, Node.id == Grant.node_id)
        .where(Node.dossier_id == dossier.id),
    )
    users = work.session.scalars(
        select(User).where(or_(*(User.id.in_(ids) for ids in inside))).order_by(User.login)
    )
    compiled = work.rights_map(dossier)
    chain = tuple(folder.id for folder in folders)
    return [
        {
            "login": user.login,
            "name": user.display_name,
            "role": role.value if (role := compiled.roles.get(user.id)) else None,
            "rights": french(compiled.of(user.id, chain)),
        }
        for user in users
    ]


def _inherit(path: str, inherits: bool, data: Any, config: Any) -> None:
    with writing(config, data) as work:
        spot = grants.place(work, address_of(path).path)
        grants.cut(work, spot, inherits=inherits)
    typer.echo(f"/{'/'.join(spot.path)}: inherits {'again' if inherits else 'no more'}")


def _parsed(words: str) -> Rights:
    known = ", ".join([*FRENCH.values(), *BASIC_FRENCH])
    if not words.strip(" ,+"):
        raise Misuse(f"Il manque les droits ({known}).")
    try:
        return parse(words)
    except ValueError as error:
        raise Misuse(f"« {error} » n'est pas un droit ({known}).") from None
