import Core

/// Objects on the wire, one after the other: the digest (32 bytes), the length (8 bytes, little-endian), the bytes.
enum ObjectFrames {
    static let headerBytes = Digest.byteCount + 8
    /// One frame's content. Longer files travel as chunks or as ranges of their bytes.
    static let maximumBytes = 64 << 20
    /// What a request gathers before it is sent, and a server before it stores.
    static let batchBytes = 8 << 20
    static let type = "application/vnd.slipway.objects"

    static func append(_ bytes: some Collection<UInt8>, digest: Digest, to frames: inout [UInt8]) {
        digest.withBytes { frames.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { frames.append(contentsOf: $0) }
        frames.append(contentsOf: bytes)
    }
}

/// Cuts a stream of bytes into frames. What a digest says is not checked here.
struct ObjectFrameParser {
    private var buffer: [UInt8] = []
    private var at = 0

    /// - Throws: `tooLarge` for a frame past the limit.
    mutating func feed(_ bytes: [UInt8], onObject: (Digest, [UInt8]) throws -> Void) throws {
        buffer.append(contentsOf: bytes)
        while buffer.count - at >= ObjectFrames.headerBytes {
            let (digest, length) = buffer.withUnsafeBytes { all in
                (
                    Digest(bytes: UnsafeRawBufferPointer(rebasing: all[at..<(at + Digest.byteCount)])),
                    UInt64(littleEndian: all.loadUnaligned(fromByteOffset: at + Digest.byteCount, as: UInt64.self))
                )
            }
            guard length <= ObjectFrames.maximumBytes else {
                throw SlipwayError(
                    .tooLarge,
                    "A frame has \(length) bytes, more than the \(ObjectFrames.maximumBytes) that are taken.",
                    details: ["limit": String(ObjectFrames.maximumBytes)])
            }
            let start = at + ObjectFrames.headerBytes
            guard buffer.count >= start + Int(length) else { break }
            try onObject(digest, Array(buffer[start..<(start + Int(length))]))
            at = start + Int(length)
        }
        // Moving what is left once a feed keeps the cost in step with the bytes.
        if at > 0 {
            buffer.removeFirst(at)
            at = 0
        }
    }

    /// - Throws: `invalid` if the stream ended inside a frame.
    func finish() throws {
        guard buffer.isEmpty else { throw SlipwayError(.invalid, "The frames end inside an object.") }
    }
}
