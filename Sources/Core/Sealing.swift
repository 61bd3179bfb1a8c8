import CCrypto

/// Authenticated encryption: AES-256 in Galois/Counter Mode (NIST SP 800-38D), by libcrypto.
public struct SealingKey: Sendable {
    private let bytes: Secret<[UInt8]>

    public static let sizeBytes = 32
    private static let nonceBytes = 12
    private static let tagBytes = 16

    /// - Throws: `invalid` unless there are 32 bytes.
    public init(_ bytes: [UInt8]) throws {
        guard bytes.count == Self.sizeBytes else {
            throw SlipwayError(.invalid, "The key has \(bytes.count) bytes; expected \(Self.sizeBytes).")
        }
        self.bytes = Secret(bytes)
    }

    public static func random() -> [UInt8] { Crypto.randomBytes(sizeBytes) }

    /// Tells keys apart without telling them: the first digits of a keyed hash of a fixed text.
    public var id: String { Hex.encode(Crypto.hmacSHA256(key: bytes.reveal, Array("slipway key id".utf8)).prefix(4)) }

    /// A random nonce of 96 bits, the encrypted text and the tag of 128 bits, in this order.
    ///
    /// - Parameter context: must be the same to open it: what the text belongs to.
    public func seal(_ plain: [UInt8], context: [UInt8]) -> [UInt8] {
        let nonce = Crypto.randomBytes(Self.nonceBytes)
        guard let cipher = EVP_CIPHER_CTX_new() else { fatalError("libcrypto is out of memory") }
        defer { EVP_CIPHER_CTX_free(cipher) }
        var out = [UInt8](repeating: 0, count: plain.count)
        var tag = [UInt8](repeating: 0, count: Self.tagBytes)
        var count: Int32 = 0
        // AES-256-GCM's nonce has 96 bits unless another length is set.
        guard EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nil, bytes.reveal, nonce) == 1,
            EVP_EncryptUpdate(cipher, nil, &count, context, Int32(context.count)) == 1,
            EVP_EncryptUpdate(cipher, &out, &count, plain, Int32(plain.count)) == 1,
            EVP_EncryptFinal_ex(cipher, &tag, &count) == 1,
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagBytes), &tag) == 1
        else { fatalError("libcrypto offers no AES-256-GCM") }
        return nonce + out + tag
    }

    /// The text that was sealed with this key in this context; nil if anything differs by a single bit.
    public func open(_ sealed: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard sealed.count >= Self.nonceBytes + Self.tagBytes, let cipher = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(cipher) }
        let nonce = Array(sealed.prefix(Self.nonceBytes))
        let body = Array(sealed.dropFirst(Self.nonceBytes).dropLast(Self.tagBytes))
        var tag = Array(sealed.suffix(Self.tagBytes))
        var out = [UInt8](repeating: 0, count: body.count)
        var end = [UInt8](repeating: 0, count: Self.tagBytes)
        var count: Int32 = 0
        guard EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), nil, bytes.reveal, nonce) == 1,
            EVP_DecryptUpdate(cipher, nil, &count, context, Int32(context.count)) == 1,
            EVP_DecryptUpdate(cipher, &out, &count, body, Int32(body.count)) == 1,
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagBytes), &tag) == 1,
            EVP_DecryptFinal_ex(cipher, &end, &count) == 1
        else { return nil }
        return out
    }
}
