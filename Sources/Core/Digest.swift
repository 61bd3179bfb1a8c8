import CCrypto

/// A SHA-256 digest (FIPS 180-4); printed as 64 lower-case hexadecimal digits.
public struct Digest: Hashable, Sendable, CustomStringConvertible, Comparable {
    public let hex: String

    /// Parses 64 hexadecimal digits, with or without the prefix `sha256:`.
    ///
    /// - Throws: `invalid`, naming `field`.
    public init(parsing text: String, field: String = "digest") throws {
        let body = text.hasPrefix("sha256:") ? String(text.dropFirst(7)) : text
        guard body.utf8.count == 64, body.utf8.allSatisfy({ ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) }) else {
            throw SlipwayError.field(
                field, "'\(text.prefix(80))' is not a SHA-256 digest", expected: "64 lower-case hexadecimal digits")
        }
        hex = body
    }

    init(bytes: some Sequence<UInt8>) { hex = Hex.encode(bytes) }

    public var description: String { hex }
    public static func < (a: Digest, b: Digest) -> Bool { a.hex < b.hex }

    /// The digest of bytes in memory.
    public static func of(_ bytes: some Collection<UInt8>) -> Digest {
        let hasher = Hasher256()
        hasher.update(Array(bytes))
        return hasher.finalize()
    }

    public static func of(_ text: String) -> Digest { of(Array(text.utf8)) }
}

/// SHA-256 over a stream, by libcrypto (which uses the processor's SHA instructions). For one thread at a time.
public final class Hasher256 {
    private let context: OpaquePointer

    public init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
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
        return Digest(bytes: out)
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
