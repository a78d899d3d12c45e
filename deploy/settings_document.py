"""docs/settings.md: every setting of an org, a location and a function, as the models that read
them have it.

python -m deploy.settings_document           writes it anew
python -m deploy.settings_document --check   1 where it is not what would be written
"""

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from deploy.manifest import Manifest
from shared.bootstrap.settings import FunctionSettings
from shared.pos.config import AlleavesConfig, LightspeedConfig, Location
from shared.store.spending import RfmSettings
from shared.store.tenants import PARTS

DOCUMENT = Path(__file__).parents[1] / "docs" / "settings.md"
PARTS_OF_AN_ORG: Mapping[str, type[BaseModel]] = {**PARTS, "rfm": RfmSettings}
NOT_SET = {"id", "posConfig", "unknown"}
"""Of a location: its document's id, the account (a table of its own), and what is found wrong."""
OF_NO_MODEL = {
    "PYTHONPATH": "Folder of the source: without it a function finds only its own.",
    "THREADS": "Requests that one instance serves at once; gunicorn reads it.",
}
"""Variables that the platform reads."""
OF_THE_LOCAL_CLOUD = {
    "FIRESTORE_EMULATOR_HOST": "Where Firestore is.",
    "PUBSUB_EMULATOR_HOST": "Where Pub/Sub is.",
    "SECRET_MANAGER_EMULATOR_HOST": "Where secrets are read.",
    "KMS_EMULATOR_HOST": "Where secrets in orgs' settings are sealed and opened.",
}
"""Variables that libraries and clients read."""

HEAD = """# Settings

Every setting, as the code that reads it has it. Written by `python -m deploy.settings_document`; a
test compares. What is a *secret* may stand as `secret:NAME` or sealed ([security.md](security.md)).
The default *none* means that a setting may be left out.

"""
ORG = """## Of an org: `tenants/{orgId}`

All parts are optional. A wrong `sync` fails the run with `configuration_invalid`, a wrong
`loyaltySettings` or `alpineIq` only the loyalty run; wrong `rfm` bounds are logged and the defaults
used. They can be changed in the console (`/orgs/{orgId}/settings`), but for `rfm`.

"""
LOCATION = """## Of a location: `locations/{locationId}`

"""
ALLEAVES = """### `posConfig` at Alleaves

Other fields are named in the status (`warnings`). Numbers are accepted for names, secrets and ids.

"""
LIGHTSPEED = """### `posConfig` at Lightspeed

"""
FUNCTIONS = """## Of the functions: environment variables

Given by `deploy/functions.yaml`, or by hand where nothing gives them. A function that lacks one,
or is given one of the wrong form, stops at its start with the variable's name (`settings_invalid`).

"""
EMULATORS = """### Of the local cloud only

A deployed function that is given one of these, or another `…_EMULATOR_HOST`, refuses to start
(`emulator_in_production`).

"""


class Setting(NamedTuple):
    """A row. ``default`` is empty for a setting that is required."""

    name: str
    meaning: str
    values: str
    default: str


def of_model(model: type[BaseModel], prefix: str = "") -> Iterator[Setting]:
    """The settings that a model reads, those within its parts too, by their names outside."""
    schema = model.model_json_schema(mode="validation")
    for name, field in model.model_fields.items():
        alias = field.alias or name
        said = schema["properties"].get(alias, {})
        yield Setting(prefix + alias, _meaning(model, name), _values(said, schema), _default(field))
        for part, mark in _parts_of(field.annotation):
            yield from of_model(part, f"{prefix}{alias}{mark}.")


def of_functions(deployed: Manifest) -> Iterator[tuple[Setting, list[str], str]]:
    """The variables that the functions' models read, by name: with the functions that have them,
    and what gives them their value."""
    models = {name: _settings_of(name) for name in deployed.functions}
    names = dict.fromkeys(name for model in models.values() for name in model.model_fields)
    for name in sorted(names):
        having = {f: model for f, model in models.items() if name in model.model_fields}
        rows = {f: _variable(model, name) for f, model in having.items()}
        meaning = next(iter(rows.values()))
        defaults: dict[str, list[str]] = {}
        for function, row in rows.items():
            defaults.setdefault(row.default, []).append(function)
        usual = max(defaults, key=lambda default: len(defaults[default]))
        others = (
            f"{default} ({', '.join(functions)})"
            for default, functions in defaults.items()
            if default != usual
        )
        setting = meaning._replace(default="; ".join([usual, *others]).strip("; "))
        yield setting, _having(deployed, setting.name, list(having)), _given(deployed, setting.name)


def text() -> str:
    """The document."""
    deployed = Manifest.read()
    parts = [_table(of_model(model, f"{part}.")) for part, model in PARTS_OF_AN_ORG.items()]
    location = (row for row in of_model(Location) if row.name.partition(".")[0] not in NOT_SET)
    return "".join(
        [
            HEAD,
            ORG,
            *(
                f"### `{part}`\n\n{table}\n"
                for part, table in zip(PARTS_OF_AN_ORG, parts, strict=True)
            ),
            LOCATION,
            _table(location) + "\n",
            ALLEAVES,
            _table(of_model(AlleavesConfig, "posConfig.")) + "\n",
            LIGHTSPEED,
            _table(of_model(LightspeedConfig, "posConfig.")) + "\n",
            FUNCTIONS,
            _functions_table(deployed) + "\n",
            EMULATORS,
            "| variable | meaning |\n|---|---|\n",
            *(f"| `{name}` | {meaning} |\n" for name, meaning in OF_THE_LOCAL_CLOUD.items()),
        ]
    )


def main() -> int:
    """0, or 1 with what to do."""
    wanted = text()
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(wanted)
        return 0
    if DOCUMENT.is_file() and DOCUMENT.read_text() == wanted:
        return 0
    print("docs/settings.md is not current: python -m deploy.settings_document", file=sys.stderr)
    return 1


def _table(rows: Iterator[Setting]) -> str:
    head = "| setting | meaning | values | default |\n|---|---|---|---|\n"
    return head + "".join(
        f"| `{row.name}` | {row.meaning} | {row.values} | {row.default or 'required'} |\n"
        for row in rows
    )


def _functions_table(deployed: Manifest) -> str:
    rows = [
        f"| `{row.name}` | {row.meaning} | {row.values} | {row.default or 'required'} | {given} | "
        f"{'all' if len(having) == len(deployed.functions) else ', '.join(having)} |\n"
        for row, having, given in of_functions(deployed)
    ]
    rows += [
        f"| `{name}` | {meaning} | text | none | {_given(deployed, name)} | all |\n"
        for name, meaning in OF_NO_MODEL.items()
    ]
    head = "| variable | meaning | values | default | given by | functions |\n"
    return head + "|---|---|---|---|---|---|\n" + "".join(rows)


def _settings_of(function: str) -> type[FunctionSettings]:
    """The model that reads a function's environment."""
    module = importlib.import_module(f"shared.bootstrap.{function}")
    (model,) = (
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, FunctionSettings)
        and each.__module__ == module.__name__
    )
    return model


def _variable(model: type[BaseModel], name: str) -> Setting:
    schema = model.model_json_schema(mode="validation")
    values = _values(schema["properties"][name], schema)
    return Setting(name.upper(), _meaning(model, name), values, _default(model.model_fields[name]))


def _having(deployed: Manifest, variable: str, read_by: list[str]) -> list[str]:
    """The functions that a variable is of use to: where the manifest gives it, those that it gives
    it to."""
    given = [name for name in read_by if variable in _names(deployed, name)]
    return given or read_by


def _names(deployed: Manifest, function: str) -> Sequence[str]:
    found = deployed.functions[function]
    return (*found.env, *found.secrets)


def _given(deployed: Manifest, variable: str) -> str:
    if variable in deployed.secrets:
        return f"secret `{deployed.secrets[variable].secret}`"
    if variable not in deployed.env:
        return "nothing"
    said = deployed.env[variable].model_dump(exclude_none=True)
    local = said.pop("local", None)
    ((kind, name),) = said.items()
    given = f"{_GIVEN_AS[kind]}`{name}`"
    return given if local is None else f"{given}; in the local cloud `{local}`"


def _meaning(model: type[BaseModel], name: str) -> str:
    """What a field means; one that a subclass gives another default means what it did."""
    for each in model.__mro__:
        fields: Mapping[str, FieldInfo] = getattr(each, "model_fields", {})
        if name in fields and fields[name].description:
            return str(fields[name].description)
    return ""


def _parts_of(annotation: object) -> Iterator[tuple[type[BaseModel], str]]:
    """The models within a field's type, with the mark of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ""
        return
    mark = "[]" if getattr(annotation, "__origin__", None) in (tuple, list) else ""
    for each in getattr(annotation, "__args__", ()):
        for model, inner in _parts_of(each):
            yield model, mark + inner


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True, validated_data={})
    return _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, BaseModel):
        return "as below"
    if isinstance(value, tuple) and value:
        return ", ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in value)
    if value is None or value in ("", (), {}):
        return "none"
    if isinstance(value, int | float | Decimal):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"
    return f"`{str(value).rstrip('/')}`"


_KINDS = {"integer": "whole number", "number": "number", "string": "text", "object": "map"}
_GIVEN_AS = {
    "topic": "topic ",
    "queue": "queue ",
    "key": "key ",
    "account": "account ",
    "deployment": "deployment: ",
    "own": "its ",
    "topics_of": "topics of ",
    "value": "",
}
_FORMATS = {"date": "ISO date", "password": "secret", "uri": "address"}


def _values(said: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What a field may be, in words, of its JSON schema."""
    if "$ref" in said:
        said = schema["$defs"][said["$ref"].rpartition("/")[2]]
    if "const" in said:
        return f"`{said['const']}`"
    if "enum" in said:
        return ", ".join(f"`{each}`" for each in said["enum"])
    if "anyOf" in said:
        return _values(_most_exact(said["anyOf"]), schema)
    if said.get("type") == "array":
        return f"list ({_values(said.get('items', {}), schema)})"
    if said.get("type") == "object" and isinstance(said.get("additionalProperties"), dict):
        return f"map ({_values(said['additionalProperties'], schema)})"
    kind = _FORMATS.get(said.get("format", ""), _KINDS.get(said.get("type", ""), "anything"))
    return kind + _bounds(said)


def _most_exact(options: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of a number that may be given as text, or of nothing, the number."""
    named = [each for each in options if each.get("type") != "null"]
    return next((each for each in named if each.get("type") == "number"), named[0])


def _bounds(said: Mapping[str, Any]) -> str:
    least, most = said.get("minimum"), said.get("maximum")
    above = said.get("exclusiveMinimum")
    if least is not None and most is not None:
        return f", {least:,.10g} to {most:,.10g}"
    if above is not None:
        return f" above {above:,.10g}" + (f", at most {most:,.10g}" if most is not None else "")
    return f" from {least:,.10g}" if least is not None else ""


if __name__ == "__main__":
    sys.exit(main())
