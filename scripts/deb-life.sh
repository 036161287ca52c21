#!/usr/bin/env bash
# What the installed package must do in a root that has it, up to its purge: deb-life.sh ROOT. Called by check-deb.sh (a clean
# Debian) and test-package.sh (this machine under an overlay), as root of that root's namespace, with ROOT/proc mounted.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
root=$1
host=
trap '[ -z "$host" ] || kill "$host" 2>/dev/null || true' EXIT
clean=(env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive)
inside() { chroot "$root" "${clean[@]}" "$@"; }
must() { "$@" || { echo "deb-life: FAILED: $*"; exit 1; }; }

must inside agent version
must inside nexo version
must inside test -d /usr/local/lib/nexo/extensions
must inside sh -c 'zcat /usr/share/man/man1/agent.1.gz | grep -q "^.SH COMMANDS"'
must inside bash -c '. /usr/share/bash-completion/completions/agent && complete -p nexo >/dev/null'
must inside sh -c 'grep -qx "Type=notify" /lib/systemd/system/nexo.service && test -e /lib/systemd/system/nexo-admin.socket'

# As the unit starts it, on other ports.
chroot "$root" "${clean[@]}" /usr/bin/agent run --config /etc/nexo --state-dir /var/lib/nexo-check --metrics-listen 127.0.0.1:0 \
  --http-listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 >"$root/root/out" 2>"$root/root/err" &
host=$!
for _ in $(seq 240); do grep -q '^ready ' "$root/root/out" && break; sleep 0.5; done
must grep -qx 'ready agents=1 extensions_ok=3 extensions_disabled=0 extensions_invalid=0' "$root/root/out"
metrics=$(sed -nE 's/^listening role=metrics address=//p' "$root/root/out")
must inside sh -c "curl -fsS http://$metrics/metrics | grep -q '^nexo_ready 1'"
kill "$host"
must wait "$host"
host=

# An author with the package alone; where there is a compiler, the plugin is built and tested too.
must inside sh -c 'agent ext new weather --lang c --into /root >/dev/null'
if inside sh -c 'command -v make gcc >/dev/null'; then must inside make -s -C /root/weather test; fi

must inside dpkg --no-triggers --purge nexo >"$root/root/purge.log" 2>&1
must inside sh -c '! test -e /usr/bin/agent && ! test -e /etc/nexo && ! test -e /usr/lib/nexo && ! test -e /usr/share/nexo'
echo "deb-life: installed, ran, drained, built a plugin and purged"
