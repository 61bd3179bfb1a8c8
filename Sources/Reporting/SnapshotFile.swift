import Core
import Platform
import Tables

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A Parquet file with rows of one table and one project. It goes when nobody holds it any more: no snapshot, no query
/// under way.
final class SnapshotFile: Sendable {
    let path: String
    let rows: Int64
    let sizeBytes: Int64

    private init(path: String, rows: Int64, sizeBytes: Int64) {
        self.path = path
        self.rows = rows
        self.sizeBytes = sizeBytes
    }

    deinit { unlink(path) }

    static func make(in folder: String, _ table: SQLTable, _ fill: (ParquetWriter) throws -> Void) throws
        -> SnapshotFile
    {
        let path = "\(folder)/\(table.name)-\(ID.make()).parquet"
        do {
            let writer = try ParquetWriter(path, table.columns.map(\.parquet))
            try fill(writer)
            try writer.finish()
            return SnapshotFile(path: path, rows: writer.rows, sizeBytes: writer.sizeBytes)
        } catch {
            unlink(path)
            throw error
        }
    }
}

/// The rows of one table and one project as they were at some moment.
struct Snapshot: Sendable {
    /// Parts that share a file.
    struct Segment: Sendable {
        let parts: [SQLTable.Part]
        let file: SnapshotFile
    }

    /// The state of the database that it shows.
    let state: String
    /// Of a table that is read whole there is one segment, with no parts.
    let segments: [Segment]

    var files: [SnapshotFile] { segments.map(\.file) }

    /// A segment ends after so many rows.
    static let segmentRows: Int64 = 1 << 19
    /// More segments that are less than half full are made anew together.
    static let smallSegments = 16

    /// Segments that still hold: all of their parts are there, and none has changed.
    static func standing(_ segments: [Segment], _ parts: Set<SQLTable.Part>) -> [Segment] {
        let kept = segments.filter { segment in segment.parts.allSatisfy(parts.contains) }
        let small = kept.filter { $0.file.rows < segmentRows / 2 }
        return small.count <= smallSegments ? kept : kept.filter { $0.file.rows >= segmentRows / 2 }
    }
}
