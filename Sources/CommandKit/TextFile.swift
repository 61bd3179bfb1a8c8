import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files that a command is given.
public enum TextFile {
    /// The whole of a UTF-8 file of at most 16 MiB, or as said.
    ///
    /// - Throws: `notFound`, `invalid`, `tooLarge`.
    public static func read(_ path: String, maximumBytes: Int = 16 << 20) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SlipwayError(.notFound, "\(path) cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else {
                throw SlipwayError(.invalid, "\(path) cannot be read: \(String(cString: strerror(errno))).")
            }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= maximumBytes else {
                throw SlipwayError(.tooLarge, "\(path) is over \(maximumBytes >> 20) MiB.")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SlipwayError(.invalid, "\(path) is not UTF-8 text.")
        }
        return text
    }
}
