import Access
import Core
import Database
import Tables

/// A table that people ask with `slipway sql`: what a feature shows of its records. Rows belong to projects and are made
/// project by project, so that who may not read a project never has a file with its rows.
public struct SQLTable: Sendable {
    public struct Column: Sendable {
        public let parquet: ParquetColumn
        /// What it holds; nothing where the name says it.
        public let about: String

        public init(_ name: String, _ kind: ParquetColumn.Kind, repeats: Bool = false, _ about: String = "") {
            parquet = ParquetColumn(name, kind, repeats: repeats)
            self.about = about
        }
    }

    /// Something whose rows come and change together, such as a run with its points.
    public struct Part: Sendable, Hashable {
        public let key: Int64
        public let id: String
        /// Differs whenever the rows do.
        public let version: SIMD2<Int64>
        /// Whether its rows are likely to stay as they are.
        public let isSettled: Bool

        public init(key: Int64, id: String, version: SIMD2<Int64>, isSettled: Bool) {
            self.key = key
            self.id = id
            self.version = version
            self.isSettled = isSettled
        }
    }

    /// How the rows are read.
    public enum Rows: Sendable {
        /// All rows of a project.
        case whole(@Sendable (any Transaction, _ project: String, ParquetWriter) throws -> Void)
        /// The parts of a project, and the rows of some of them: what has not changed is not read again.
        case parts(
            list: @Sendable (any Transaction, _ project: String) throws -> [Part],
            rows: @Sendable (any Transaction, [Part], ParquetWriter) throws -> Void)
    }

    /// In lower case, of letters and underscores.
    public let name: String
    public let about: String
    /// What a principal must be allowed in a project to see its rows.
    public let permission: Permission
    public let columns: [Column]
    public let rows: Rows

    public init(_ name: String, _ about: String, _ permission: Permission, _ columns: [Column], _ rows: Rows) {
        self.name = name
        self.about = about
        self.permission = permission
        self.columns = columns
        self.rows = rows
    }
}
