"""An independent client for the interop tests: neonize (whatsmeow) with the test root in place of the pinned key.

Run inside the venv that has neonize:
    python neonize_client.py --root-key HEX --work DIR [--phone NUMBER] [--logout-after SECONDS]
with HTTPS_PROXY and SSL_CERT_FILE set to the simulator's proxy and CA. It copies the package to DIR, replaces the
32 bytes of the production root key in the copied library, imports that copy and prints one JSON line per event.
DIR also holds the session database, so a second run logs in. Commands on stdin: "logout", "stop".

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import importlib.util
import json
import os
import shutil
import sys
import threading
from pathlib import Path

PRODUCTION_ROOT = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")


def patched_package(work: Path, root_key: bytes) -> Path:
    """Copies the installed package into ``work`` and patches the copy; returns the folder to put on sys.path."""
    found = importlib.util.find_spec("neonize")
    if found is None or found.origin is None:
        raise SystemExit("neonize is not installed in this venv")
    folder = work / "package"
    if not folder.exists():
        shutil.copytree(Path(found.origin).parent, folder / "neonize")
        # The distribution's metadata is needed for its version check.
        for info in Path(found.origin).parent.parent.glob("neonize-*.dist-info"):
            shutil.copytree(info, folder / info.name)
        for library in (folder / "neonize").glob("neonize-*.so"):
            data = library.read_bytes()
            if data.count(PRODUCTION_ROOT) != 1:
                raise SystemExit(f"{library}: the pinned key occurs {data.count(PRODUCTION_ROOT)} times, not once")
            library.write_bytes(data.replace(PRODUCTION_ROOT, root_key))
    return folder


def say(event: str, **details: object) -> None:
    print(json.dumps({"event": event, **details}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root-key", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--phone", default="", help="pair by link code for this number instead of QR")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(patched_package(options.work, bytes.fromhex(options.root_key))))
    os.chdir(options.work)
    from neonize import client as neonize_client
    from neonize import events

    client = neonize_client.NewClient(str(options.work / "session.db"))
    asked = threading.Event()

    def on_qr(_: object, data: bytes) -> None:
        say("qr", text=data.decode())
        if options.phone and not asked.is_set():
            asked.set()
            threading.Thread(target=pair_phone, daemon=True).start()

    def pair_phone() -> None:
        try:
            say("code", text=client.PairPhone(options.phone, True))
        except Exception as error:  # whatever the library throws is the result of this test run
            say("code_error", text=str(error))

    client.event.qr(on_qr)
    for name in ("PairStatusEv", "ConnectedEv", "LoggedOutEv", "StreamReplacedEv", "TemporaryBanEv", "ConnectFailureEv",
                 "ClientOutdatedEv", "StreamErrorEv", "DisconnectedEv", "KeepAliveTimeoutEv", "RotateADVSecretEv"):
        client.event(getattr(events, name))(lambda _, event, name=name: say(name, text=str(event).strip()))

    def commands() -> None:
        for line in sys.stdin:
            if line.strip() == "logout":
                try:
                    client.logout()
                    say("logout_done")
                except Exception as error:  # as above
                    say("logout_error", text=str(error))
            elif line.strip() == "stop":
                break
        os._exit(0)  # the Go runtime has threads that a normal exit would wait for

    threading.Thread(target=commands, daemon=True).start()
    client.connect()


if __name__ == "__main__":
    main()
