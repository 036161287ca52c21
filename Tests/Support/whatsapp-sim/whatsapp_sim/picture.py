"""From a picture to the QR text in it: the phone's camera, which is the program zbarimg (Debian: zbar-tools).

Pictures come as base64 or from an http address on loopback; nothing else is fetched.

SPDX-License-Identifier: Apache-2.0
"""

import asyncio
import base64
import binascii
import shutil
import tempfile
from urllib.parse import urlsplit

import aiohttp

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MAX_PICTURE = 8 << 20
SECONDS = 10


class NoCode(ValueError):
    """There is no picture, no decoder, or no single QR code in the picture."""


async def read_code(png_base64: str = "", url: str = "") -> str:
    """The text of the one QR code in the picture."""
    if bool(png_base64) == bool(url):
        raise NoCode("give png_base64 or url")
    try:
        picture = base64.b64decode(png_base64, validate=True) if png_base64 else await _fetch(url)
    except (binascii.Error, aiohttp.ClientError, TimeoutError) as error:
        raise NoCode(f"no picture: {error}") from None
    if shutil.which("zbarimg") is None:
        raise NoCode("zbarimg is not installed (Debian: zbar-tools)")
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(picture)
        file.flush()
        process = await asyncio.create_subprocess_exec(
            "zbarimg", "--quiet", "--raw", "--set", "disable", "--set", "qrcode.enable", file.name,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
        try:
            out, _ = await asyncio.wait_for(process.communicate(), SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise NoCode("zbarimg did not end") from None
    codes = out.decode(errors="replace").splitlines()
    if len(codes) != 1:
        raise NoCode(f"{len(codes)} codes in the picture instead of one")
    return codes[0]


async def _fetch(url: str) -> bytes:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        raise NoCode("only http addresses on loopback are fetched")
    limit = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(timeout=limit) as session, session.get(url, allow_redirects=False) as answer:
        if answer.status != 200:
            raise NoCode(f"{url} answered {answer.status}")
        picture = await answer.content.read(MAX_PICTURE)
        return picture
