import Client
import Core

/// Sends a server the objects that it lacks.
struct ObjectSender: Sendable {
    let client: APIClient

    /// Those of the digests that the server has no object of.
    func missing(_ digests: [Digest]) async throws -> Set<Digest> {
        var missing: Set<Digest> = []
        var at = 0
        while at < digests.count {
            let some = digests[at..<min(at + 50_000, digests.count)]
            at += some.count
            var text: [UInt8] = []
            text.reserveCapacity(some.count * 65)
            for digest in some {
                text.append(contentsOf: digest.hex.utf8)
                text.append(10)
            }
            let answer = try await Retry.few {
                try await client.exchange("POST", "/api/v1/objects/missing", text, contentType: "text/plain")
            }
            for line in answer.split(separator: 10) {
                missing.insert(try Digest(parsing: String(decoding: line, as: UTF8.self)))
            }
        }
        return missing
    }

    /// Sends frames; sending the same again does no harm.
    func send(_ frames: [UInt8]) async throws {
        guard !frames.isEmpty else { return }
        _ = try await Retry.few {
            try await client.exchange("POST", "/api/v1/objects/batch", frames, contentType: ObjectFrames.type)
        }
    }

    /// Sends those of the objects that are missing.
    func sendMissing<Bytes: Collection<UInt8>>(_ objects: [(digest: Digest, bytes: Bytes)]) async throws {
        let missing = try await missing(objects.map(\.digest))
        var frames: [UInt8] = []
        var sent: Set<Digest> = []
        for object in objects where missing.contains(object.digest) && sent.insert(object.digest).inserted {
            ObjectFrames.append(object.bytes, digest: object.digest, to: &frames)
        }
        try await send(frames)
    }
}

/// Tries again what a short interruption may have broken.
enum Retry {
    static func few<T>(_ work: () async throws -> T) async throws -> T {
        for pause in [0.2, 1, 3] {
            do { return try await work() } catch let error as SlipwayError
                where [.unavailable, .deadlineExceeded, .rateLimited].contains(error.code)
                // A full disk is not empty a second later.
                && error.details["missingBytes"] == nil
            {
                try await Task.sleep(for: .seconds(pause))
            }
        }
        return try await work()
    }
}
