// Reasons of the host process itself: start, listeners, state directory, configuration files, shutdown.
// Used by HostApp.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var host: [Reason] {
    [
      .booting, .draining, .listenerUnavailable, .listenerNotLoopback, .listenerInherited, .listenerTLS,
      .stateLocked, .stateUnusable, .installIncomplete,
    ]
  }

  package static let booting = Reason(
    "host.booting", cause: "The host has started and is still loading its extensions and agents.",
    evidence: "`/ready?verbose` lists the components that are not up yet.",
    remedy: "Wait; if it lasts longer than a minute, look for the last log line and run `agent doctor`.")

  package static let draining = Reason(
    "host.draining", cause: "The host has been told to stop and finishes what is in flight.",
    evidence: "The log line `shutting down` names the signal.",
    remedy: "None needed. Send traffic to another instance.")

  package static let listenerUnavailable = Reason(
    "listener.unavailable", cause: "An address that the host must listen on could not be bound.",
    evidence: "The message names address and flag; `ss -ltnp` shows who holds the port.",
    remedy: "Stop the other process, or choose another address with the flag that the message names.")

  package static let listenerNotLoopback = Reason(
    "listener.not_loopback", cause: "The admin console was told to listen on an address that is not loopback.",
    evidence: "`--admin-listen`, `NEXO_ADMIN_LISTEN` or `listen.admin` in the configuration.",
    remedy: "Use 127.0.0.1 or ::1 and a tunnel, or accept the risk with `--admin-allow-remote`.")

  package static let listenerInherited = Reason(
    "listener.inherited", cause: "A socket that the service manager handed over is not one that a listener can use.",
    evidence: "The message names the socket; `systemctl cat` shows the socket unit with its `FileDescriptorName=`.",
    remedy:
      "In the .socket unit use ListenStream= with an address and port, and FileDescriptorName= metrics, http or admin, each once."
  )

  package static let listenerTLS = Reason(
    "listener.tls", cause: "The certificate, key or settings of a web configuration file cannot be used for TLS.",
    evidence:
      "The message names the file and says why; `openssl x509 -in FILE -text` and `openssl pkey -in FILE` show them.",
    remedy: "Give a PEM certificate chain and its unencrypted private key, readable by the host's user.")

  package static let stateLocked = Reason(
    "state.locked", cause: "Another host uses this state directory.",
    evidence: "The message names the process that holds the lock.",
    remedy: "Stop it, or give this host its own `--state-dir`.")

  package static let stateUnusable = Reason(
    "state.unusable", cause: "The state directory cannot be created, read or written.",
    evidence: "The message names the path and the system's error.",
    remedy: "Mend its owner and mode (0700, owned by the host's user), or choose another with `--state-dir`.")

  package static let installIncomplete = Reason(
    "install.incomplete", cause: "A file that belongs beside the executable is missing, such as `nexo-probe`.",
    evidence: "The message names the path that was looked at.",
    remedy: "Install the whole package again, or run `make build`.")
}
