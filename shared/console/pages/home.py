"""``/``: where a person's console begins."""

from shared.console.rendering import HTML, redirect
from shared.errors import Forbidden
from shared.web.auth import ANY_ORG, SignedIn, SignedInUser
from shared.web.request import NoBody, NoParams
from shared.web.response import RouteReply
from shared.web.routing import RouteCall, RouteTable


def routes(signed_in: SignedIn) -> RouteTable:
    """``signed_in`` is the rule for whoever has a role."""
    table = RouteTable(signed_in)

    @table.get("/", NoParams, (303, HTML), errors=[Forbidden])
    def go_home(call: RouteCall[NoParams, NoBody]) -> RouteReply:
        """To every org, or to the person's own."""
        caller = call.caller
        assert isinstance(caller, SignedInUser)
        if caller.roles & ANY_ORG:
            return redirect("/orgs")
        if not caller.orgs:
            raise Forbidden("your account belongs to no organization")
        return redirect(f"/orgs/{signed_in.staff.admit(caller, caller.orgs[0])}")

    return table
