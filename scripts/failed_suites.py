"""Prints a --filter for the suites that have a failed test in Swift Testing's xunit file; nothing when none has.

Usage: failed_suites.py FILE
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as tree


def main():
    path = pathlib.Path(sys.argv[1])
    if not path.exists():
        return
    failed = {
        case.get("classname") for case in tree.parse(path).iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    }
    print("|".join(f"^{re.escape(name)}(/|$)" for name in sorted(failed) if name))


if __name__ == "__main__":
    main()
