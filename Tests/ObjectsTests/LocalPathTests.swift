import Core
import Foundation
import TestSupport
import Testing
import Transport

@testable import Objects

@Suite struct LocalPathTests {
    @Test func `a file that was written to is not handed out, until its content is stored again`() async throws {
        try await TemporaryFolder.with { folder in
            let store = try await ObjectStore.open(
                folder + "/objects", temporaryFolder: folder + "/tmp", environment: [:], http: HTTPClient())
            let content = Array("the right bytes".utf8)
            let object = try await store.put(content)
            let path = try await store.localPath(object.digest)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            // Another length and another time: a changed file is hashed again although it was verified before.
            try Data("the wrong bytes!".utf8).write(to: URL(fileURLWithPath: path))
            let error = await #expect(throws: SlipwayError.self) { try await store.localPath(object.digest) }
            #expect(error?.message.contains("is damaged") == true)
            _ = try await store.put(content)
            #expect(try Data(contentsOf: URL(fileURLWithPath: await store.localPath(object.digest))) == Data(content))
        }
    }
}
