import Core
import Processes
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The numbers of a view's rows in its order, in a file: makes any part of a sorted or filtered table as near as its
/// beginning.
struct RowIndex: Sendable {
    let path: String
    /// Bytes a number.
    let width: Int
    let count: Int64

    /// Some of the numbers; fewer at the end.
    func rows(from first: Int64, count wanted: Int) throws -> [Int64] {
        let here = max(0, min(Int64(wanted), count - first))
        guard here > 0, first >= 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: Int(here) * width)
        let file = try Descriptor.reading(path)
        let got = pread(file.number, &bytes, bytes.count, off_t(first) * off_t(width))
        guard got == bytes.count else { throw SlipwayError(.unavailable, "An index of rows is cut off. Ask again.") }
        return bytes.withUnsafeBytes { raw in
            (0..<Int(here)).map { index in
                width == 4
                    ? Int64(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
                    : Int64(littleEndian: raw.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
            }
        }
    }

    /// Where a row stands in a view that has no order of its own, so that the numbers rise; nil if it is not in it.
    func position(of row: Int64) throws -> Int64? {
        var (low, high) = (Int64(0), count)
        while low < high {
            let middle = (low + high) / 2
            if try rows(from: middle, count: 1).first ?? .max < row { low = middle + 1 } else { high = middle }
        }
        return try rows(from: low, count: 1).first == row ? low : nil
    }
}

/// The indexes that there are, in a folder of a bounded size; the ones that were not used for longest go first. All of them
/// can be made again.
final class RowIndexes: Sendable {
    /// Of all indexes together.
    static let maximumBytes: Int64 = 2 << 30

    private let folder: String
    /// Under way, so that one view is indexed once.
    private let making = Mutex<[String: Task<RowIndex, any Error>]>([:])

    init(folder: String) { self.folder = folder }

    /// What tells one view of one state of some files from all others.
    static func key(_ input: TableInput, _ query: PageQuery) -> String {
        let files = input.files.map { path -> JSONValue in
            var info = stat()
            guard stat(path, &info) == 0 else { return [.string(path)] }
            #if canImport(Glibc)
                let changed = [Int64(info.st_mtim.tv_sec), Int64(info.st_mtim.tv_nsec)]
            #else
                let changed = [Int64(info.st_mtimespec.tv_sec), Int64(info.st_mtimespec.tv_nsec)]
            #endif
            return [
                .string(path), .int(Int64(info.st_size)), .int(Int64(info.st_ino)), .int(changed[0]), .int(changed[1]),
            ]
        }
        let view = PageQuery(condition: query.condition, search: query.search, order: query.order, limit: 0)
        let columns = (input.columns ?? []).map { column -> JSONValue in [.string(column.name), .string(column.type)] }
        let document: JSONValue = [
            .array(files), .array(columns), PageJob(view, .scan(from: nil, backwards: false), .table).json,
        ]
        return Digest.of(document.canonicalText).hex
    }

    func find(_ key: String) -> RowIndex? {
        for width in [4, 8] {
            let path = path(key, width)
            var info = stat()
            guard stat(path, &info) == 0 else { continue }
            utimes(path, nil)
            return RowIndex(path: path, width: width, count: Int64(info.st_size) / Int64(width))
        }
        return nil
    }

    /// Finds or makes an index.
    ///
    /// - Parameter make: writes the file and returns the width of its numbers.
    func index(_ key: String, make: @escaping @Sendable (String) async throws -> Int) async throws -> RowIndex {
        if let known = find(key) { return known }
        let task = making.withLock { making in
            if let task = making[key] { return task }
            let task = Task<RowIndex, any Error> {
                defer { self.making.withLock { _ = $0.removeValue(forKey: key) } }
                return try await self.build(key, make)
            }
            making[key] = task
            return task
        }
        // It is of use to others even if this caller gives up.
        return try await task.value
    }

    private func build(_ key: String, _ make: (String) async throws -> Int) async throws -> RowIndex {
        for (index, character) in folder.enumerated() where character == "/" && index > 0 {
            mkdir(String(folder.prefix(index)), 0o700)
        }
        mkdir(folder, 0o700)
        let temporary = "\(folder)/tmp-\(ID.make())"
        do {
            let width = try await make(temporary)
            guard rename(temporary, path(key, width)) == 0, let made = find(key) else {
                throw SlipwayError(.unavailable, "An index of rows cannot be kept: \(SystemError.current).")
            }
            removeOldest(besides: made.path)
            return made
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Unfinished files of a server that was killed, and indexes beyond the limit.
    private func removeOldest(besides kept: String) {
        guard let listing = opendir(folder) else { return }
        defer { closedir(listing) }
        var files: [(path: String, bytes: Int64, used: Int)] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            var info = stat()
            let path = "\(folder)/\(name)"
            guard name != ".", name != "..", stat(path, &info) == 0 else { continue }
            #if canImport(Glibc)
                let used = info.st_mtim.tv_sec
            #else
                let used = info.st_mtimespec.tv_sec
            #endif
            // A day: longer than any query may take.
            if name.hasPrefix("tmp-"), used < time(nil) - 86_400 { unlink(path) }
            if !name.hasPrefix("tmp-") { files.append((path, Int64(info.st_size), used)) }
        }
        var total = files.reduce(0) { $0 + $1.bytes }
        for file in files.sorted(by: { $0.used < $1.used }) where total > Self.maximumBytes && file.path != kept {
            unlink(file.path)
            total -= file.bytes
        }
    }

    private func path(_ key: String, _ width: Int) -> String { "\(folder)/\(key).u\(width * 8)" }
}
