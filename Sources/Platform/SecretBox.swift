import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Seals what only the server may read: secrets, and links whose bearer needs no token. A sealed secret is `1:KEY:BYTES`: the form, the key's id and, in hexadecimal, what `SealingKey` makes.
/// Project and name are bound in, so that a sealed text that is moved to another name does not open.
public struct SecretBox: Sendable {
    /// The variable that holds the key as 64 hexadecimal digits.
    public static let variable = "SLIPWAY_SECRET_KEY"
    /// The key's file in the data folder, made by the first secret unless the variable is set.
    public static let fileName = "secret.key"

    private let key: SealingKey

    public init(key: SealingKey) { self.key = key }

    /// The box of a server.
    ///
    /// - Parameter makesKey: makes the file if there is no key yet.
    /// - Throws: `unavailable` if the key is missing, unreadable or open to others.
    public static func open(folder: String, makesKey: Bool) throws -> SecretBox {
        if let text = getenv(variable).map({ String(cString: $0) }), !text.isEmpty {
            guard let bytes = Hex.decode(text), let key = try? SealingKey(bytes) else {
                throw SlipwayError(
                    .unavailable, "\(variable) is not a key; expected 64 hexadecimal digits (openssl rand -hex 32).")
            }
            return SecretBox(key: key)
        }
        let path = folder + "/" + fileName
        if let box = try read(path) { return box }
        guard makesKey else {
            throw SlipwayError(
                .unavailable,
                "The key of the secrets is not there: put the file \(fileName) back into the data folder, or set \(variable)."
            )
        }
        try write(Hex.encode(SealingKey.random()) + "\n", to: path)
        guard let box = try read(path) else { throw SlipwayError(.unavailable, "\(path) cannot be read.") }
        return box
    }

    private static func read(_ path: String) throws -> SecretBox? {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw SlipwayError(.unavailable, "\(path) cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & 0o077 == 0 else {
            throw SlipwayError(
                .unavailable, "\(path) may be read by others than its owner. Run: chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(file, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)).filter { $0 > 32 }, as: UTF8.self)
        guard let key = Hex.decode(text).flatMap({ try? SealingKey($0) }) else {
            throw SlipwayError(.unavailable, "\(path) does not hold a key; expected 64 hexadecimal digits.")
        }
        return SecretBox(key: key)
    }

    /// Writes a file under its final name only when it is whole; one that is there stays.
    private static func write(_ text: String, to path: String) throws {
        let temporary = "\(path).\(ID.make())"
        defer { unlink(temporary) }
        let file = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(path) }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else { throw failure(path) }
        guard link(temporary, path) == 0 || errno == EEXIST else { throw failure(path) }
        let parent = Glibc.open(path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }, O_RDONLY)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
    }

    private static func failure(_ path: String) -> SlipwayError {
        SlipwayError(.unavailable, "\(path) cannot be written: \(String(cString: strerror(errno))).")
    }

    public func seal(_ value: Secret<String>, project: String, name: String) -> String {
        "1:\(key.id):" + Hex.encode(key.seal(Array(value.reveal.utf8), context: Self.context(project, name)))
    }

    /// - Throws: `unavailable`, which says whether it is the key or the text that is wrong.
    public func open(_ sealed: String, project: String, name: String) throws -> Secret<String> {
        let parts = sealed.split(separator: ":").map(String.init)
        guard parts.count == 3, parts[0] == "1", let bytes = Hex.decode(parts[2]) else {
            throw SlipwayError(.unavailable, "The secret \(name) is stored in a form that is not known here.")
        }
        guard parts[1] == key.id else {
            throw SlipwayError(
                .unavailable,
                "The secret \(name) was sealed with another key than the server has now. Bring that key back, or set the secret again."
            )
        }
        guard let plain = key.open(bytes, context: Self.context(project, name)),
            let text = String(validating: plain, as: UTF8.self)
        else {
            throw SlipwayError(.unavailable, "The secret \(name) was changed in the database. Set it again.")
        }
        return Secret(text)
    }

    // MARK: Links

    /// Seals a value that is handed out and comes back, such as a link, as hexadecimal text.
    ///
    /// - Parameter purpose: must be the same to open it, so that one kind of text cannot pass for another.
    public func seal(_ value: JSONValue, purpose: String) -> String {
        Hex.encode(key.seal(value.canonicalBytes, context: Array("slipway \(purpose)".utf8)))
    }

    /// The value that was sealed for this purpose; nil if the text was not, or was changed.
    public func open(_ sealed: String, purpose: String) -> JSONValue? {
        guard let bytes = Hex.decode(sealed),
            let plain = key.open(bytes, context: Array("slipway \(purpose)".utf8))
        else { return nil }
        return try? JSONValue(parsing: plain)
    }

    /// Names hold no line breaks.
    private static func context(_ project: String, _ name: String) -> [UInt8] {
        Array("slipway secret\n\(project)\n\(name)".utf8)
    }
}
