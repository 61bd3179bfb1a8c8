import Core

/// A file inside gzip (RFC 1952).
public enum GzipFile {
    /// Reads the file to its end, which is the only way to see that it is all there: readers that take what they get give
    /// the first half of a file that was cut off between two lines as if it were the whole. Blocking. A file that does not
    /// begin as gzip is passed.
    ///
    /// - Throws: `invalid` when it was cut short, or what it holds does not have the checksum that it states.
    public static func requireWhole(_ path: String, label: String) throws {
        let file = try ArchiveFile(path)
        guard try file.read(0, 2) == [0x1F, 0x8B] else { return }
        let bytes = GzipBytes(file)
        do {
            while try !bytes.read(maximumBytes: 256 << 10).isEmpty {}
        } catch let error as SlipwayError where error.code == .invalid {
            throw SlipwayError(
                .invalid,
                "\(label) is not a whole gzip file: it was cut short, or damaged on its way. Nothing of it was taken; get it again.",
                details: ["file": label])
        }
    }
}
