import Core
import Glibc
import Testing

@testable import Objects
@testable import Transport

@Suite struct DiskTests {
    @Test func layout() async throws {
        let fixture = try await Fixture(.disk)
        let object = try await fixture.store.put(Array("abc".utf8))
        // The digest of "abc" (FIPS 180-4, appendix B.1).
        let path =
            fixture.folder.path + "/store/objects/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(try await fixture.store.localPath(object.digest) == path)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o444)
        #expect(try contents(of: path) == Array("abc".utf8))
        #expect(try contents(of: fixture.folder.path + "/store/FORMAT") == Array("slipway objects 2\n".utf8))
    }

    @Test func opensOnlyItsOwnFolders() async throws {
        let folder = ScratchFolder()
        let pool = BlockingPool(name: "test", threads: 1)
        func open(_ name: String, _ prepare: (String) throws -> Void) async throws -> String {
            let path = "\(folder.path)/\(name)"
            try prepare(path)
            return await errorCode { _ = try DiskBackend(folder: path, pool: pool) }
        }
        let codes = try await [
            open("new/deep", { _ in }),
            open("empty", { mkdir($0, 0o755) }),
            open("crashed", { for part in ["", "/objects", "/tmp"] { mkdir($0 + part, 0o755) } }),
            open("crashed", { _ in }),
            open("newer") {
                mkdir($0, 0o755)
                _ = try folder.file("newer/FORMAT", Array("slipway objects 3\n".utf8))
            },
            open("older") {
                mkdir($0, 0o755)
                _ = try folder.file("older/FORMAT", Array("slipway objects 1\n".utf8))
            },
            open("other") {
                mkdir($0, 0o755)
                _ = try folder.file("other/thesis.tex", [1])
            },
            open("file") { _ in _ = try folder.file("file", [1]) },
        ]
        #expect(codes == ["none", "none", "none", "none", "unsupported", "none", "invalid", "unavailable"])
        // Programs that know only the older format would not see what is in packs.
        #expect(try contents(of: folder.path + "/older/FORMAT") == Array("slipway objects 2\n".utf8))
    }

    @Test func storesAreChosenByURL() async throws {
        let folder = ScratchFolder()
        let http = HTTPClient()
        let cases: [(String, [String: String], String)] = [
            (folder.path + "/a b", [:], "none"),
            ("file://\(folder.path)/a%20b", [:], "none"),
            ("relative", [:], "invalid"),
            ("file://host/x%", [:], "invalid"),
            ("gs://bucket", [:], "invalid"),
            ("s3://bucket", ["AWS_ACCESS_KEY_ID": "x"], "invalid"),
        ]
        for (url, environment, code) in cases {
            let outcome = await errorCode {
                let store = try await ObjectStore.open(
                    url, temporaryFolder: folder.path, environment: environment, http: http)
                _ = try await store.put([1])
            }
            #expect(outcome == code, "\(url)")
        }
        #expect(Files.status(folder.path + "/a b/FORMAT") != nil)
        guard Kind.available.contains(.s3) else { return }
        let settings = Kind.environment
        let base =
            "s3://\(settings["SLIPWAY_TEST_S3_BUCKET"] ?? "")/url?endpoint=\(settings["SLIPWAY_TEST_S3_ENDPOINT"] ?? "")"
        for (secret, code) in [(settings["SLIPWAY_TEST_S3_SECRET"] ?? "", "none"), ("wrong", "unavailable")] {
            let keys = ["AWS_ACCESS_KEY_ID": settings["SLIPWAY_TEST_S3_KEY"] ?? "", "AWS_SECRET_ACCESS_KEY": secret]
            let outcome = await errorCode {
                let store = try await ObjectStore.open(
                    base, temporaryFolder: folder.path, environment: keys, http: http)
                _ = try await store.put([1])
            }
            #expect(outcome == code)
        }
    }

    /// What a crash in the middle of uploads leaves goes with the first collection after the grace period.
    @Test func leftoversAreCollected() async throws {
        let fixture = try await Fixture(.disk)
        let part = fixture.backend.traits.stagingFolder + "/x.part"
        _ = try fixture.folder.file("store/tmp/x.part", [1, 2, 3])
        let none: @Sendable ([Digest]) async throws -> Set<Digest> = { _ in [] }
        let young = try await fixture.store.collectGarbage(graceSeconds: 60, dryRun: false, isLive: none)
        let later = Clock.system.now().adding(seconds: 100)
        let dry = try await fixture.store.collectGarbage(graceSeconds: 60, dryRun: true, now: later, isLive: none)
        #expect((young.leftovers, dry.leftovers, dry.leftoverBytes, access(part, F_OK)) == (0, 1, 3, 0))
        let real = try await fixture.store.collectGarbage(graceSeconds: 60, dryRun: false, now: later, isLive: none)
        #expect((real.leftovers, access(part, F_OK)) == (1, -1))
    }

    /// Another process's put and this one's deletion: whichever comes first, what was put is there.
    @Test func twoProcessesMayShareAFolder() async throws {
        let fixture = try await Fixture(.disk)
        let other = ObjectStore(
            backend: try DiskBackend(folder: fixture.folder.path + "/store", pool: fixture.pool), pool: fixture.pool)
        for round in 0..<50 {
            let bytes = noise(10, seed: UInt64(round))
            let digest = try await fixture.store.put(bytes).digest
            let path = try await fixture.store.localPath(digest)
            // An hour ago.
            var times = [
                timespec(tv_sec: time(nil) - 3600, tv_nsec: 0), timespec(tv_sec: time(nil) - 3600, tv_nsec: 0),
            ]
            utimensat(AT_FDCWD, path, &times, 0)
            async let collected = fixture.store.collectGarbage(graceSeconds: 60, dryRun: false) { _ in [] }
            async let put = other.put(bytes)
            _ = try await (collected, put)
            #expect(try await other.info(digest) != nil)
        }
    }

    @Test func aFullCacheGivesUpOldCopiesOnly() async throws {
        let folder = ScratchFolder()
        let cache = try ObjectCache(
            folder: folder.path + "/cache", maximumBytes: 2500, pool: BlockingPool(name: "test", threads: 2))
        var paths: [String] = []
        for seed in 0..<4 {
            let bytes = noise(1000, seed: UInt64(seed))
            paths.append(try await cache.path(of: Digest.of(bytes)) { try $0.append(bytes) })
            // The first two were last used an hour ago.
            if seed < 2 {
                var times = [
                    timespec(tv_sec: time(nil) - 3600, tv_nsec: 0), timespec(tv_sec: time(nil) - 3600, tv_nsec: 0),
                ]
                utimensat(AT_FDCWD, paths[seed], &times, 0)
            }
        }
        #expect(paths.map { access($0, F_OK) } == [-1, -1, 0, 0])
        // What comes over the line is checked.
        #expect(await errorCode { _ = try await cache.path(of: Digest.of("x")) { try $0.append([1]) } } == "internal")
    }
}
