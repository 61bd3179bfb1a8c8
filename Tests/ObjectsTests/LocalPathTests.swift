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

    /// Big files are hashed once; what was done to them since must show all the same.
    @Test func `a big file that was written to is not streamed to its end`() async throws {
        try await TemporaryFolder.with { folder in
            let store = try await ObjectStore.open(
                folder + "/objects", temporaryFolder: folder + "/tmp", environment: [:], http: HTTPClient())
            let writer = try await store.writer()
            try await writer.append([UInt8](repeating: 7, count: 3 << 20))
            let object = try await writer.finish()
            let known = try await store.stamp(object)
            #expect(known?.isVerified == true)
            func size() async throws -> Int {
                var size = 0
                for try await piece in store.stream(object.digest) { size += piece.count }
                return size
            }
            #expect(try await size() == 3 << 20)
            let path = try await store.localPath(object.digest)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            let file = try #require(FileHandle(forWritingAtPath: path))
            try file.seek(toOffset: 1 << 20)
            try file.write(contentsOf: Data([8]))
            try file.close()
            await #expect(throws: SlipwayError.self) { try await size() }
            #expect(try await store.verifyAll() == [object.digest])
        }
    }
}
