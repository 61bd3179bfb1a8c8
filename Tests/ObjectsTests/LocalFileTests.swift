import Core
import Glibc
import Testing
import Transport

@testable import Objects

@Suite struct LocalFileTests {
    @Test func placesFilesByLinkOrCopy() throws {
        let folder = ScratchFolder()
        let bytes = noise(700_000, seed: 1)
        let source = try folder.file("source", bytes)
        chmod(source, 0o444)
        for linking in [true, false] {
            let target = "\(folder.path)/\(linking)/deep/file"
            try LocalFile.place(source, at: target, linking: linking)
            #expect(try contents(of: target) == bytes)
            let status = try #require(Files.status(target))
            #expect(status.links == (linking ? 2 : 1))
            if !linking {
                // A copy may be written to; the source stays as it is.
                truncate(target, 3)
                #expect(try contents(of: source) == bytes)
            }
            #expect(throws: SlipwayError.self) { try LocalFile.place(source, at: target, linking: linking) }
        }
        // Not through a link that lies where the file should.
        symlink(folder.path + "/elsewhere", folder.path + "/trap")
        #expect(throws: SlipwayError.self) { try LocalFile.place(source, at: folder.path + "/trap", linking: false) }
        #expect(access(folder.path + "/elsewhere", F_OK) != 0)
        #expect(try LocalFile.hash(source) == ObjectInfo(digest: Digest.of(bytes), sizeBytes: 700_000))
    }

    /// `/dev/full` answers every write as a full disk does.
    @Test func aFullDiskSaysHowMuchIsMissing() throws {
        let file = open("/dev/full", O_WRONLY)
        defer { close(file) }
        let bytes = [UInt8](repeating: 1, count: 1000)
        func details(_ body: (UnsafeRawBufferPointer) throws -> Void) -> [String: String] {
            do {
                try bytes.withUnsafeBytes(body)
                return [:]
            } catch let error as SlipwayError {
                return error.code == .unavailable && error.message.contains("is full") ? error.details : [:]
            } catch { return [:] }
        }
        let unknown = details { try Files.writeAll(file, "/dev/full", $0) }
        let known = details { try Files.writeAll(file, "/dev/full", $0, at: 0, ofWhichMissing: 5_000_000_000_000_000) }
        #expect(unknown["missingBytes"] == "1000")
        // Less what is free there, which is little beside it.
        let missing = try #require(known["missingBytes"].flatMap { Int64($0) })
        #expect(missing > 4_900_000_000_000_000 && missing <= 5_000_000_000_000_000)
    }
}
