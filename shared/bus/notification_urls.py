"""Which notification URLs an org may have: of services that send a message and do nothing else.

Other schemas of apprise start programs or write to this machine, and some parameters have it read
files, such as ``template``.
"""

from urllib.parse import unquote, urlsplit

SCHEMAS = frozenset(
    {
        *("json", "jsons", "mailto", "mailtos", "slack", "discord", "workflows", "gchat", "tgram"),
        *("pagerduty", "opsgenie", "splunk", "twilio", "sns", "ses", "sendgrid", "mailgun"),
        *("pover", "pbul", "ntfy", "ntfys", "mmost", "mmosts", "webex", "zulip", "https"),
    }
)
"""``https`` for addresses of web hooks as services show them, which apprise recognises."""
PARAMETERS = frozenset(
    {
        *("to", "from", "name", "reply", "cc", "bcc", "smtp", "mode", "format", "overflow"),
        *("image", "footer", "avatar", "tts", "ping", "thread", "topic", "channel", "priority"),
        *("severity", "region", "group", "class", "tags", "method", "batch", "id", "pa", "sig"),
        *("ver", "api-version", "cto", "rto", "tz", "verify"),
    }
)
_PREFIXES = ("+", "-", ":")
"""Of headers, parameters and fields that ``json://`` sends along."""


def fault(url: str) -> str | None:
    """What an org may not have in the URL, in words that do not hold it; None where all is well.
    Whether apprise understands it is not asked."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "it is no URL"
    if parts.scheme not in SCHEMAS:
        return f"it begins with none of {', '.join(f'{each}://' for each in sorted(SCHEMAS))}"
    names = (unquote(each.partition("=")[0]).lower() for each in parts.query.split("&"))
    if any(n and n not in PARAMETERS and not n.startswith(_PREFIXES) for n in names):
        return f"it has parameters beside {', '.join(sorted(PARAMETERS))}"
    return None
