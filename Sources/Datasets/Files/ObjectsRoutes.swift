import Core
import Objects
import Platform
import Web

/// HTTP in, HTTP out: the objects that files are made of, before a commit says what they are.
///
/// Nothing here gives an object's bytes: those come by the version that has them, to those who may read it.
struct ObjectsRoutes {
    let service: DatasetsService

    static let missingMaximumDigests = 100_000
    static let batchMaximumBytes: Int64 = 1 << 30
    static let objectMaximumBytes: Int64 = 64 << 30

    var routes: [Route] {
        [
            Route(
                .post, "/api/v1/objects/missing", .writeDatasets,
                "Of these SHA-256 digests (one a line), those whose objects are not in the store.",
                body: .bytes(type: "text/plain")
            ) { request in
                let bytes = try await request.bytes(maximumBytes: Self.missingMaximumDigests * 65)
                let digests = try bytes.split(separator: 10).map {
                    try Digest(parsing: String(decoding: $0, as: UTF8.self))
                }
                let missing = try await service.platform.objects.missing(among: digests)
                var text: [UInt8] = []
                text.reserveCapacity(missing.count * 65)
                for digest in missing {
                    text.append(contentsOf: digest.hex.utf8)
                    text.append(10)
                }
                return Response(
                    status: 200, headers: [("Content-Type", "text/plain; charset=utf-8")], body: .bytes(text))
            },
            Route(
                .post, "/api/v1/objects/batch", .writeDatasets,
                "Stores objects: for each its digest (32 bytes), its length (8 bytes, little-endian), its bytes.",
                body: .bytes(type: ObjectFrames.type)
            ) { request in
                let stored = try await service.store(frames: request.body)
                return .json(["objects": JSONValue(stored.objects), "bytes": .int(stored.bytes)])
            },
            Route(
                .put, "/api/v1/objects/{digest}", .writeDatasets, "Stores one object, of any size, under its SHA-256.",
                body: .bytes(type: "application/octet-stream")
            ) { request in
                let digest = try Digest(parsing: request.parameter("digest"))
                let stored = try await service.platform.objects.put(
                    contentsOf: request.body, maximumBytes: Self.objectMaximumBytes)
                guard stored.digest == digest else { throw DatasetsService.otherBytes(digest, stored.digest) }
                return .json(["objects": 1, "bytes": .int(stored.sizeBytes)])
            },
        ]
    }
}

extension DatasetsService {
    /// Stores what the frames hold; what came before an error stays, for the next try.
    func store(frames body: RequestBody) async throws -> (objects: Int, bytes: Int64) {
        var parser = ObjectFrameParser()
        var (digests, contents, pending): ([Digest], [[UInt8]], Int) = ([], [], 0)
        var total: (objects: Int, bytes: Int64) = (0, 0)
        for try await piece in body {
            try parser.feed(piece) { digest, bytes in
                try requireReasonableImage(bytes, name: "The object \(digest)")
                digests.append(digest)
                contents.append(bytes)
                pending += bytes.count
                total.bytes += Int64(bytes.count)
            }
            guard total.bytes <= ObjectsRoutes.batchMaximumBytes else {
                throw SlipwayError(
                    .tooLarge, "A request takes \(ObjectsRoutes.batchMaximumBytes) bytes of objects; send several.",
                    details: ["limit": String(ObjectsRoutes.batchMaximumBytes)])
            }
            if pending >= ObjectFrames.batchBytes {
                try await store(contents, named: digests)
                total.objects += contents.count
                (digests, contents, pending) = ([], [], 0)
            }
        }
        try parser.finish()
        try await store(contents, named: digests)
        total.objects += contents.count
        return total
    }

    private func store(_ contents: [[UInt8]], named digests: [Digest]) async throws {
        guard !contents.isEmpty else { return }
        let stored = try await platform.objects.putMany(contents)
        for (object, digest) in zip(stored, digests) where object.digest != digest {
            throw Self.otherBytes(digest, object.digest)
        }
    }

    static func otherBytes(_ digest: Digest, _ found: Digest) -> SlipwayError {
        SlipwayError(
            .invalid, "The bytes that came as \(digest) have the digest \(found).", details: ["digest": digest.hex])
    }
}
