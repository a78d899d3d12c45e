"""Programs on PATH in the place of Google's and Terraform's: they note how they were called and
answer as told. What starts them is the real thing."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = """#!{python} -ISE
import json, os, sys
folder = {folder!r}
line = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
given = sys.stdin.read() if "--data-file=-" in line else ""
keep = {{name: os.environ.get(name) for name in ("TF_DATA_DIR",)}}
with open(folder + "/calls", "a") as calls:
    calls.write(json.dumps({{"line": line, "given": given, "env": keep}}) + "\\n")
with open(folder + "/answers") as file:
    answers = json.load(file)
for number, (part, outputs, code) in enumerate(answers):
    if part in line:
        if len(outputs) > 1:
            answers[number][1] = outputs[1:]
            with open(folder + "/answers", "w") as file:
                json.dump(answers, file)
        sys.stdout.write(outputs[0])
        if code:
            sys.stderr.write("ERROR: " + part)
        sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Programs:
    """``names`` are on PATH from ``folder`` on; what is not answered prints nothing, code 0."""

    folder: Path

    @classmethod
    def install(cls, folder: Path, *names: str) -> "Programs":
        for name in names:
            program = folder / name
            program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
            program.chmod(0o755)
        (folder / "answers").write_text("[]")
        (folder / "calls").write_text("")
        return cls(folder)

    def answer(self, part: str, *outputs: str, code: int = 0) -> None:
        """To a command line that has ``part``: each output once, the last for ever. What was said
        last goes first."""
        file = self.folder / "answers"
        answers = [[part, outputs or [""], code], *json.loads(file.read_text())]
        file.write_text(json.dumps(answers))

    @property
    def calls(self) -> list[dict[str, Any]]:
        """``line``, ``given`` (what was read), ``env`` of each call."""
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    def lines(self, *parts: str) -> list[str]:
        """The command lines that have one of these parts, in their order."""
        return [c["line"] for c in self.calls if any(part in c["line"] for part in parts)]
