import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that is read from its beginning on and may grow meanwhile.
final class ByteFile {
    let path: String
    private(set) var offset: Int64 = 0
    private let file: UnsafeMutablePointer<FILE>

    init(_ path: String) throws {
        guard let file = fopen(path, "r") else {
            throw SlipwayError(.notFound, "\(path) cannot be read: \(String(cString: strerror(errno))).")
        }
        (self.path, self.file) = (path, file)
    }

    deinit { fclose(file) }

    /// So many bytes, or fewer at the end of the file.
    func read(_ count: Int) -> [UInt8] {
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = fread(buffer.baseAddress, 1, count, file)
        }
        offset += Int64(bytes.count)
        return bytes
    }

    /// When it was written last, in milliseconds.
    static func changed(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_mtim.tv_sec) * 1000 : 0
    }
}

extension ArraySlice<UInt8> {
    /// A little-endian number from an index on, counted from the slice's beginning.
    func little<T: FixedWidthInteger>(_ type: T.Type, at index: Int) -> T {
        var value: T = 0
        for byte in 0..<MemoryLayout<T>.size { value |= T(self[startIndex + index + byte]) << T(8 * byte) }
        return value
    }
}
