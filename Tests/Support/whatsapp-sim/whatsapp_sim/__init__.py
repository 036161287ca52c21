"""A strict simulator of WhatsApp's server and of the phone, on loopback.

Written from the protocol page (whatsapp-protocol.md) only; section numbers in comments and findings are that page's.
Run it with ``python -m whatsapp_sim``; README.md in the folder above says how to drive it.

SPDX-License-Identifier: Apache-2.0
"""
