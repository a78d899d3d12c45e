"""Keep a sample of each form that is written otherwise than its last sample:

python -m tests.unit.compatibility.keep
"""

import sys

from tests.unit.compatibility import samples
from tests.unit.compatibility.formats import FORMATS


def main() -> None:
    """Add the samples that are missing; those that are there stay as they are."""
    for name, form in FORMATS.items():
        written, kept = form.write(), samples.names(name)
        last = samples.load(kept[-1])[0] if kept else None
        if samples.comparable(last) != samples.comparable(written):
            sys.stdout.write(f"{samples.keep(name, written, form.read(written)).name}\n")


if __name__ == "__main__":
    main()
