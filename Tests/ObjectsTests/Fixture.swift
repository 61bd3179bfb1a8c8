import Core
import Glibc
import Testing

@testable import Objects
@testable import Transport

/// A folder that is removed with the value that holds it.
final class ScratchFolder: Sendable {
    let path = "/tmp/slipway-objects-\(ID.make())"

    init() { mkdir(path, 0o755) }
    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        for name in (try? Files.names(in: path)) ?? [] {
            if Files.status("\(path)/\(name)")?.isFolder == true {
                remove("\(path)/\(name)")
            } else {
                unlink("\(path)/\(name)")
            }
        }
        rmdir(path)
    }

    /// Writes a file and returns its path.
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = try #require(fopen("\(path)/\(name)", "w"))
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        return "\(path)/\(name)"
    }
}

func contents(of path: String) throws -> [UInt8] {
    let file = open(path, O_RDONLY)
    defer { close(file) }
    return try Files.read(file, path, offset: 0, count: Int(Files.status(path)?.sizeBytes ?? 0))
}

/// Bytes that look random and are the same for the same seed (SplitMix64).
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return [UInt8](unsafeUninitializedCapacity: count + 8) { buffer, filled in
        let bytes = UnsafeMutableRawBufferPointer(buffer)
        var at = 0
        while at < count {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            bytes.storeBytes(of: z ^ (z >> 31), toByteOffset: at, as: UInt64.self)
            at += 8
        }
        filled = count
    }
}

/// The code of the `SlipwayError` that `body` throws; `none` if it throws nothing.
func errorCode(_ body: () async throws -> Void) async -> String {
    do {
        try await body()
        return "none"
    } catch let error as SlipwayError {
        return error.code.rawValue
    } catch {
        return "\(error)"
    }
}

/// Which store a test of the conformance suite runs on.
enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case disk, s3

    var testDescription: String { rawValue }

    /// S3 only where a service is there: scripts/services starts one.
    static let available: [Kind] = environment["SLIPWAY_TEST_S3_ENDPOINT"] == nil ? [.disk] : [.disk, .s3]

    static let environment: [String: String] = {
        var found: [String: String] = [:]
        for name in ["ENDPOINT", "KEY", "SECRET", "BUCKET"].map({ "SLIPWAY_TEST_S3_\($0)" }) {
            if let value = getenv(name) { found[name] = String(cString: value) }
        }
        return found
    }()
}

/// A store of its own for one test.
struct Fixture {
    let folder = ScratchFolder()
    let pool = BlockingPool(name: "test", threads: 4)
    let store: ObjectStore
    let backend: any ObjectBackend
    /// Puts other bytes in the place of an object's.
    let corrupt: @Sendable (Digest, [UInt8]) async throws -> Void

    init(_ kind: Kind) async throws {
        switch kind {
        case .disk:
            let disk = try DiskBackend(folder: folder.path + "/store", pool: pool)
            let cache = try ObjectCache(folder: folder.path + "/cache", maximumBytes: 1 << 20, pool: pool)
            (backend, store) = (disk, ObjectStore(backend: disk, pool: pool, cache: cache))
            corrupt = { digest, bytes in
                if let found = try disk.packs.find(digest) {
                    let file = open(found.path, O_WRONLY)
                    pwrite(file, bytes, bytes.count, off_t(found.entry.offset))
                    close(file)
                    return
                }
                unlink(disk.path(digest))
                let file = fopen(disk.path(digest), "w")
                fwrite(bytes, 1, bytes.count, file)
                fclose(file)
            }
        case .s3:
            let client = try Self.client()
            let s3 = try S3Backend(client: client, stagingFolder: folder.path + "/uploads", pool: pool)
            let cache = try ObjectCache(folder: folder.path + "/cache", maximumBytes: 1 << 20, pool: pool)
            (backend, store) = (s3, ObjectStore(backend: s3, pool: pool, cache: cache))
            corrupt = { digest, bytes in try await client.put(s3.key(digest), bytes) }
        }
    }

    static func client() throws -> S3Client {
        let environment = Kind.environment
        func need(_ name: String) throws -> String { try #require(environment["SLIPWAY_TEST_S3_\(name)"]) }
        let location = try S3Location(
            parsing: "s3://\(need("BUCKET"))/t é-\(ID.make())?endpoint=\(Percent.encode(need("ENDPOINT")))")
        let credentials = S3Credentials(accessKey: try need("KEY"), secretKey: Secret(try need("SECRET")))
        return S3Client(location: location, credentials: credentials, http: HTTPClient())
    }

    /// Digests in the store, by listing.
    func listed(limit: Int = 1000) async throws -> [Digest] {
        var all: [Digest] = []
        while true {
            let page = try await backend.list(after: all.last, limit: limit)
            if page.isEmpty { return all }
            all += page.map(\.info.digest)
        }
    }

    /// What lies in the staging folder.
    /// What lies in the staging folder. A file goes when its last holder lets go of it, which may be a thread that ends a
    /// moment after the answer: it is waited for.
    func staged() async throws -> [String] {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            let names = try Files.names(in: backend.traits.stagingFolder) ?? []
            if names.isEmpty || ContinuousClock.now > deadline { return names }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// A stream of pieces, which may end with an error.
func pieces(_ bytes: [UInt8], of size: Int, failing: SlipwayError? = nil) -> AsyncThrowingStream<[UInt8], any Error> {
    AsyncThrowingStream { continuation in
        for start in stride(from: 0, to: bytes.count, by: size) {
            continuation.yield(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        continuation.finish(throwing: failing)
    }
}

func collect(_ stream: ObjectStream) async throws -> [UInt8] {
    var all: [UInt8] = []
    for try await piece in stream { all += piece }
    return all
}
