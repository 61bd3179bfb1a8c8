import CCrypto

/// A SHA-256 digest (FIPS 180-4); printed as 64 lower-case hexadecimal digits.
public struct Digest: Hashable, Sendable, CustomStringConvertible, Comparable {
    /// The 32 bytes as big-endian words, so that digests compare as their texts do.
    private let a: UInt64
    private let b: UInt64
    private let c: UInt64
    private let d: UInt64

    public static let byteCount = 32

    /// Parses 64 hexadecimal digits, with or without the prefix `sha256:`.
    ///
    /// - Throws: `invalid`, naming `field`.
    public init(parsing text: String, field: String = "digest") throws {
        let body = text.hasPrefix("sha256:") ? text.utf8.dropFirst(7) : text.utf8[...]
        var words = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        var count = 0
        for digit in body {
            let value: UInt8? =
                switch digit {
                case 48...57: digit - 48
                case 97...102: digit - 87
                default: nil
                }
            guard let value, count < 64 else {
                count = 0
                break
            }
            let digit = UInt64(value)
            switch count / 16 {
            case 0: words.0 = words.0 << 4 | digit
            case 1: words.1 = words.1 << 4 | digit
            case 2: words.2 = words.2 << 4 | digit
            default: words.3 = words.3 << 4 | digit
            }
            count += 1
        }
        guard count == 64 else {
            throw SlipwayError.field(
                field, "'\(text.prefix(80))' is not a SHA-256 digest", expected: "64 lower-case hexadecimal digits")
        }
        (a, b, c, d) = words
    }

    /// The digest whose bytes these are.
    ///
    /// - Precondition: there are 32 of them.
    public init(bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == Self.byteCount)
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        (a, b, c, d) = (word(0), word(1), word(2), word(3))
    }

    /// Gives the 32 bytes to `body`.
    public func withBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        try withUnsafeBytes(of: (a.bigEndian, b.bigEndian, c.bigEndian, d.bigEndian), body)
    }

    /// The first eight bytes as a number, for search in sorted digests.
    public var leadingWord: UInt64 { a }

    /// The 32 bytes.
    public var bytes: [UInt8] { withBytes { Array($0) } }

    public var hex: String { withBytes { Hex.encode($0) } }
    public var description: String { hex }

    public static func < (x: Digest, y: Digest) -> Bool {
        if x.a != y.a { return x.a < y.a }
        if x.b != y.b { return x.b < y.b }
        return x.c != y.c ? x.c < y.c : x.d < y.d
    }

    // The bytes are as good as random already.
    public func hash(into hasher: inout Hasher) { hasher.combine(a) }

    /// The digest of bytes in memory.
    public static func of(_ bytes: some Collection<UInt8>) -> Digest {
        if let digest = bytes.withContiguousStorageIfAvailable({ of(UnsafeRawBufferPointer($0)) }) { return digest }
        return Array(bytes).withUnsafeBytes { of($0) }
    }

    /// The digest of bytes in memory, in one call.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 8) { out in
            guard EVP_Digest(bytes.baseAddress, bytes.count, out.baseAddress, nil, Hasher256.algorithm, nil) == 1 else {
                fatalError("libcrypto offers no SHA-256")
            }
            return Digest(bytes: UnsafeRawBufferPointer(out))
        }
    }

    public static func of(_ text: String) -> Digest { of(Array(text.utf8)) }
}

/// SHA-256 over a stream, by libcrypto (which uses the processor's SHA instructions). For one thread at a time.
public final class Hasher256 {
    private let context: OpaquePointer

    /// Looked up once: libcrypto would search its providers for each hash. Unsafe by declaration only; libcrypto never
    /// changes it.
    nonisolated(unsafe) fileprivate static let algorithm = EVP_MD_fetch(nil, "SHA256", nil)

    public init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, Self.algorithm, nil) == 1 else {
            fatalError("libcrypto offers no SHA-256")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    public func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    public func update(_ bytes: UnsafeRawBufferPointer) {
        if let base = bytes.baseAddress { EVP_DigestUpdate(context, base, bytes.count) }
    }

    /// The digest of all that was given; the hasher is spent.
    public func finalize() -> Digest {
        var out = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(context, &out, nil)
        return out.withUnsafeBytes { Digest(bytes: $0) }
    }
}

/// Keyed and random bytes.
public enum Crypto {
    /// HMAC-SHA256 (RFC 2104): 32 bytes.
    public static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &out, &length)
        return out
    }

    /// Bytes fit for secrets.
    public static func randomBytes(_ count: Int) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&out, Int32(count)) == 1 else { fatalError("libcrypto has no randomness") }
        return out
    }

    /// Compares in a time that depends on the lengths only.
    public static func equalInConstantTime(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
    }
}

/// Hexadecimal text.
public enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.underestimatedCount * 2)
        for b in bytes {
            out.append(digits[Int(b >> 4)])
            out.append(digits[Int(b & 15)])
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// Ids that Slipway makes.
public enum ID {
    /// 32 hexadecimal digits: 48 bits of milliseconds, then 80 random bits. Sorts by time of making; MLflow clients take
    /// it as a run id.
    public static func make(at time: Timestamp = Clock.system.now()) -> String {
        let ms = UInt64(bitPattern: time.milliseconds)
        let head = (0..<6).map { UInt8(truncatingIfNeeded: ms >> (40 - 8 * UInt64($0))) }
        // Two draws: each is a system call.
        var generator = SystemRandomNumberGenerator()
        let (first, second) = (generator.next() as UInt64, generator.next() as UInt64)
        let tail =
            (0..<8).map { UInt8(truncatingIfNeeded: first >> (8 * $0)) } + [
                UInt8(truncatingIfNeeded: second), UInt8(truncatingIfNeeded: second >> 8),
            ]
        return Hex.encode(head + tail)
    }
}
