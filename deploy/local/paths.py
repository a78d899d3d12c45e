"""Where things are on this machine."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions"
STATE = ROOT / ".local"
LOGS = STATE / "logs"
SECRETS = STATE / "secrets"
KEY_FILE = STATE / "secrets.key"
"""What secrets in orgs' settings are sealed with."""
STACK_FILE = STATE / "stack.json"


def within_clone(path: Path) -> str:
    """The path as seen from the top of the clone; one outside as it is."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
