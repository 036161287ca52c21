// The account's file: what is stored comes back, nobody else may read it, and two hosts cannot share it.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import WhatsAppProtocol

@testable import WhatsApp

@Suite("Account store")
struct FileAccountStoreTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("a/default") }
  private let record: AccountRecord

  init() throws {
    folder = try TemporaryFolder("store")
    record = AccountRecord(keys: try DeviceKeys.fresh(from: .system))
  }

  private func mode(_ path: String) -> UInt32 {
    var info = stat()
    return stat(path, &info) == 0 ? info.st_mode & 0o777 : 0
  }

  @Test func `what was applied is loaded again by the next store`() throws {
    let keys = [1, 2].map { PreKey(id: $0, pair: KeyPair(from: .system)) }
    do {
      let store = try FileAccountStore(folder: path)
      #expect(try store.load() == nil)
      try store.apply(.addPreKeys(keys, record))
      try store.apply(.preKeysUploaded([2]))
    }
    let account = try #require(try FileAccountStore(folder: path).load())
    #expect(account.record == record)
    #expect(account.preKeys.map(\.isUploaded) == [false, true])
    #expect(account.preKeys.map(\.pair) == keys.map(\.pair))
  }

  @Test func `folder and files are the owner's alone`() throws {
    let store = try FileAccountStore(folder: path)
    try store.apply(.account(record))
    #expect(mode(path) == 0o700)
    #expect(mode(path + "/credentials") == 0o600)
    #expect(mode(path + "/lock") == 0o600)
  }

  @Test func `a second store on the same folder is refused until the first is gone`() throws {
    var first: FileAccountStore? = try FileAccountStore(folder: path)
    #expect(throws: StoreFault.locked) { try FileAccountStore(folder: path) }
    #expect(first != nil)
    first = nil
    _ = try FileAccountStore(folder: path)
  }

  @Test func `a wiped account is not there any more`() throws {
    let store = try FileAccountStore(folder: path)
    try store.apply(.account(record))
    try store.apply(.wipe)
    #expect(try store.load() == nil)
    #expect(mode(path + "/credentials") == 0)
  }

  @Test(arguments: [0, 31, 32, 40, 200])
  func `a file that is cut or changed is refused and not taken for no account`(at position: Int) throws {
    let store = try FileAccountStore(folder: path)
    try store.apply(.account(record))
    let file = try #require(fopen(path + "/credentials", "r+"))
    fseek(file, position, SEEK_SET)
    let byte = fgetc(file)
    fseek(file, position, SEEK_SET)
    fputc(byte ^ 1, file)
    fclose(file)
    #expect(throws: StoreFault.unreadable) { try store.load() }
    truncate(path + "/credentials", position)
    #expect(throws: StoreFault.unreadable) { try store.load() }
  }
}
