import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The wire between a pool and its workers: a stream socket carrying frames of a 4-byte little-endian length and that many
/// bytes. A length of 0xFFFFFFFF carries no bytes and asks the worker to interrupt the request that it is busy with. In the
/// other direction the highest bit of a length says that the frame is a part of an answer and more follows; the frame
/// without it ends the answer.
enum Frames {
    /// The descriptor number of the socket in the worker.
    static let descriptor: Int32 = 3
    /// No request or answer is longer.
    static let maximumBytes = 1 << 30
    static let interrupt: UInt32 = 0xFFFF_FFFF
    static let part: UInt32 = 0x8000_0000

    static func header(_ length: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } }

    static func length(_ header: [UInt8]) -> UInt32 {
        header.prefix(4).enumerated().reduce(0) { $0 | UInt32($1.element) << (8 * UInt32($1.offset)) }
    }

    enum Message {
        case request([UInt8])
        case interrupt
    }

    /// The next message; nil at the end of the stream. Blocks; for the worker's side.
    static func read(from socket: Descriptor) throws -> Message? {
        guard let header = try exactly(4, from: socket) else { return nil }
        let length = length(header)
        if length == interrupt { return .interrupt }
        guard length <= maximumBytes else {
            throw SlipwayError(.internal, "A frame of \(length) bytes is not one of ours.")
        }
        return try exactly(Int(length), from: socket).map { .request($0) }
    }

    private static func exactly(_ count: Int, from socket: Descriptor) throws -> [UInt8]? {
        var ended = false
        let bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count, !ended {
                let got = try socket.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...]))
                ended = got == 0
                filled += got
            }
        }
        return ended ? nil : bytes
    }
}
