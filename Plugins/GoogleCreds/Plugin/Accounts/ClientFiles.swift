// Client id and client secret of one account: read from their files, and read again whenever those change, or as they stand
// in the configuration. Called by OAuthClient's callers before each request that needs them.
//
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Who this program is to the provider.
struct ClientIdentity: Sendable, Equatable {
  let id: String
  /// Nil for a public client.
  let secret: Secret?
}

/// The two texts. A look at both files costs two stat(2) calls; they are read only when one has changed.
final class ClientFiles: Sendable {
  private struct Known {
    let identities: [FileIdentity?]
    let client: ClientIdentity
  }
  private let id: ClientText
  private let secret: ClientText?
  private let known = Mutex<Known?>(nil)

  init(id: ClientText, secret: ClientText?) {
    self.id = id
    self.secret = secret
  }

  /// The client as the files say now.
  func client() throws(GoogleFault) -> ClientIdentity {
    let identities = self.identities
    if let known = known.withLock({ $0 }), known.identities == identities { return known.client }
    // The identities are those of the open files: what changed between stat and open is noticed next time.
    let (name, first) = try Self.text(id, "client_id")
    guard name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw GoogleFault(.clientUnreadable, "client_id: holds more than an id")
    }
    let (word, second) =
      try secret.map { text throws(GoogleFault) in try Self.text(text, "client_secret") } ?? ("", nil)
    let client = ClientIdentity(id: name, secret: secret == nil ? nil : Secret(word))
    known.withLock { $0 = Known(identities: [first, second], client: client) }
    return client
  }

  private var identities: [FileIdentity?] {
    [id.path, secret?.path].map { path in path.flatMap(PrivateFile.identity) }
  }

  /// Whether the files are not as they were when they were last read well: what the provider refused may be mended.
  var isChanged: Bool {
    let identities = self.identities
    return known.withLock { $0.map { $0.identities != identities } ?? true }
  }

  /// The keys of those files that others may read or write.
  var lax: [String] {
    [("client_id_path", id.path), ("client_secret_path", secret?.path)].compactMap { key, path in
      path.map(PrivateFile.isLax) == true ? key : nil
    }
  }

  private static func text(_ source: ClientText, _ key: String) throws(GoogleFault) -> (String, FileIdentity?) {
    switch source {
    case .inline(let text): return (text.reveal(), nil)
    case .file(let path):
      do {
        let (bytes, identity) = try PrivateFile.read(path)
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let trimmed = bytes.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        let text = String(decoding: Array(trimmed), as: UTF8.self)
        guard !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 }) else {
          throw GoogleFault(.clientUnreadable, "\(key)_path: empty, or more than one line")
        }
        return (text, identity)
      } catch let error as FileError {
        throw GoogleFault(.clientUnreadable, "\(key)_path: \(error)")
      } catch let fault as GoogleFault {
        throw fault
      } catch {
        throw GoogleFault(.clientUnreadable, key)
      }
    }
  }
}
