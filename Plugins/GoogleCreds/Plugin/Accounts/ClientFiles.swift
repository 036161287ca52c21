// Client id and client secret of one account, read from their files and read again whenever those change.
// Called by OAuthClient's callers before each request that needs them.
//
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Who this program is to the provider.
struct ClientIdentity: Sendable, Equatable {
  let id: String
  /// Nil for a public client.
  let secret: Secret?
}

/// The two files. A look at both costs two stat(2) calls; they are read only when one has changed.
final class ClientFiles: Sendable {
  private struct Known {
    let identities: [FileIdentity?]
    let client: ClientIdentity
  }
  let idPath: String
  let secretPath: String?
  private let known = Mutex<Known?>(nil)

  init(idPath: String, secretPath: String?) {
    self.idPath = idPath
    self.secretPath = secretPath
  }

  /// The client as the files say now.
  func client() throws(GoogleFault) -> ClientIdentity {
    let identities = [idPath, secretPath ?? idPath].map(PrivateFile.identity)
    if let known = known.withLock({ $0 }), known.identities == identities { return known.client }
    let (id, idIdentity) = try Self.text(idPath, "client_id_path")
    guard id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw GoogleFault(.clientUnreadable, "client_id_path: holds more than an id")
    }
    guard let secretPath else {
      let client = ClientIdentity(id: id, secret: nil)
      known.withLock { $0 = Known(identities: [idIdentity, idIdentity], client: client) }
      return client
    }
    let (secret, secretIdentity) = try Self.text(secretPath, "client_secret_path")
    let client = ClientIdentity(id: id, secret: Secret(secret))
    // The identities are those of the open files: what changed between stat and open is noticed next time.
    known.withLock { $0 = Known(identities: [idIdentity, secretIdentity], client: client) }
    return client
  }

  /// Whether the files are not as they were when they were last read well: what the provider refused may be mended.
  var isChanged: Bool {
    let identities = [idPath, secretPath ?? idPath].map(PrivateFile.identity)
    return known.withLock { $0.map { $0.identities != identities } ?? true }
  }

  /// The keys of those files that others may read or write.
  var lax: [String] {
    var keys: [String] = []
    if PrivateFile.isLax(idPath) { keys.append("client_id_path") }
    if let secretPath, PrivateFile.isLax(secretPath) { keys.append("client_secret_path") }
    return keys
  }

  private static func text(_ path: String, _ key: String) throws(GoogleFault) -> (String, FileIdentity) {
    do {
      let (bytes, identity) = try PrivateFile.read(path)
      let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
      let trimmed = bytes.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
      let text = String(decoding: Array(trimmed), as: UTF8.self)
      guard !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 }) else {
        throw GoogleFault(.clientUnreadable, "\(key): empty, or more than one line")
      }
      return (text, identity)
    } catch let error as FileError {
      throw GoogleFault(.clientUnreadable, "\(key): \(error)")
    } catch let fault as GoogleFault {
      throw fault
    } catch {
      throw GoogleFault(.clientUnreadable, key)
    }
  }
}
