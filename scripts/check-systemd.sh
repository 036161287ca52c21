#!/usr/bin/env bash
# Boots a clean Debian 12 with systemd in a container (systemd-nspawn, no network) with the package installed, and looks at the
# unit at work: started by READY, reloaded, left alone by the watchdog while it serves, killed and started anew when it stands
# still, not started again with a wrong configuration. Usage: check-systemd.sh FILE.deb. Needs root, debootstrap and
# systemd-container; about three minutes.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "check-systemd: needs root, for debootstrap and systemd-nspawn" >&2; exit 69; }
root=$(mktemp -d /var/tmp/nexo-boot-XXXXXX)
# The unit runs as a user of its own, who must get past `/`.
chmod 0755 "$root"
trap 'umount -l "$root/proc" 2>/dev/null || true; rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,procps,curl,ca-certificates bookworm "$root" >"$root.log" 2>&1
if [ -d /etc/apt/sources.list.d ]; then rm -f "$root/etc/apt/sources.list" && cp -a /etc/apt/sources.list.d "$root/etc/apt/"; fi
cp /etc/resolv.conf "$root/etc/"
cp "$1" "$root/root/nexo.deb"
mount -t proc proc "$root/proc"
chroot "$root" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /root/nexo.deb' >>"$root.log" 2>&1
umount "$root/proc"
cat >"$root/etc/systemd/system/look.service" <<'UNIT'
[Unit]
After=nexo.service multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /root/look.sh
StandardOutput=file:/root/look.log
StandardError=file:/root/look.log
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../look.service "$root/etc/systemd/system/multi-user.target.wants/look.service"
cat >"$root/root/look.sh" <<'LOOK'
show() { echo "$1: $(systemctl show nexo -p "${2:-ActiveState}" --value)"; }
show started
show told StatusText
show user DynamicUser
for _ in $(seq 60); do curl -fs localhost:9090/metrics >/root/scrape && break; sleep 1; done
echo "scrape: $(grep -c '^nexo_ready 1$' /root/scrape), extensions $(sed -nE 's/^nexo_extensions_discovered\{status="ok"\} //p' /root/scrape)"
systemctl reload nexo; echo "reload: $?"
sleep 40
show watched NRestarts
kill -STOP "$(systemctl show nexo -p MainPID --value)"
for _ in $(seq 90); do [ "$(systemctl show nexo -p NRestarts --value)" = 0 ] || break; sleep 1; done
show stood-still NRestarts
for _ in $(seq 60); do [ "$(systemctl show nexo -p ActiveState --value)" = active ] && break; sleep 1; done
show again
echo 'broken: [' >/etc/nexo/nexo.yaml
systemctl restart nexo 2>/dev/null
sleep 8
show wrong
show status ExecMainStatus
echo finished
systemctl poweroff
LOOK
timeout 400 unshare -m bash -c 'mount -t tmpfs tmpfs /run; mkdir -p /run/systemd
  exec systemd-nspawn -q --register=no --keep-unit --private-network -D "$1" -b' - "$root" >"$root.console" 2>&1 </dev/null || true
cat "$root/root/look.log"
diff "$root/root/look.log" - <<'WANTED' || { echo "check-systemd: FAILED"; exit 1; }
started: active
told: serving; 1 agents attached
user: yes
scrape: 1, extensions 3
reload: 0
watched: 0
stood-still: 1
again: active
wrong: failed
status: 78
finished
WANTED
rm -f "$root.log" "$root.console"
echo "check-systemd: all well"
