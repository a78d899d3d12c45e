"""``make token ROLE=… ORG=…``: an ID token of somebody of the running local cloud, for programs:

curl -H "Authorization: Bearer $(make -s token ROLE=super_user)" "$CONSOLE/api/cache"
"""

import argparse
import json
import sys

import requests

from deploy.local.identity.people import EVERY_ORG, OWN_ORG, sign_in
from deploy.local.paths import STACK_FILE


def main() -> int:
    """Prints the token; 1 where there is nobody like that, or no local cloud."""
    parser = argparse.ArgumentParser(prog="make token", description=__doc__)
    parser.add_argument("--role", choices=(*EVERY_ORG, *OWN_ORG), required=True)
    parser.add_argument("--org", help="which org's, for a role of one; the first if left out")
    given = parser.parse_args()
    try:
        stack = json.loads(STACK_FILE.read_text())
    except FileNotFoundError:
        return _fails("The local cloud is not up: start it with `make local`.")
    people = [
        each
        for each in stack["people"]
        if each["role"] == given.role and given.org in (None, each.get("orgId", given.org))
    ]
    if not people:
        return _fails(f"Nobody has the role {given.role} at {given.org}.")
    try:
        print(sign_in(stack["auth"], people[0]["email"], people[0]["password"]))
    except requests.RequestException as error:
        return _fails(f"The identity service does not sign anybody in: {error}")
    return 0


def _fails(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
