import Core
import Processes

/// For whom a table operation runs, so that nobody's work keeps the others waiting (see `FairQueue`).
public struct TablesCaller: Hashable, Sendable {
    var worker: WorkerCaller

    /// Imports, profiles, steps: no one waits at a screen.
    public static let system = TablesCaller(worker: WorkerCaller(owner: nil, lane: .work))

    /// Pages and other things that answer at once.
    public static func interactive(_ principal: Principal) -> TablesCaller {
        TablesCaller(worker: WorkerCaller(owner: principal.name, lane: .interactive))
    }

    /// A person's own SELECTs and downloads, which may take long: one at a time.
    public static func query(_ principal: Principal) -> TablesCaller {
        TablesCaller(worker: WorkerCaller(owner: principal.name, lane: .work))
    }

    /// The same caller with something that may take long.
    var working: TablesCaller { TablesCaller(worker: WorkerCaller(owner: worker.owner, lane: .work)) }
}

/// Rows on their way from a worker, as bytes. When they are taken slowly, the worker waits; when nobody holds this any
/// more, it stops.
public final class TableStream: Sendable {
    private let stream: WorkerStream
    /// What was taken to see that the query is a good one.
    private let first: [UInt8]
    public let format: RowFormat

    init(_ stream: WorkerStream, first: [UInt8], _ format: RowFormat) {
        self.stream = stream
        self.first = first
        self.format = format
    }

    /// Hands all bytes to `write`, in pieces of about a megabyte.
    ///
    /// - Returns: the number of rows.
    /// - Throws: as `Tables.query` when the query fails under way, and what `write` throws; in both cases the worker stops.
    @discardableResult
    public func send(to write: ([UInt8]) async throws -> Void) async throws -> Int64 {
        do {
            try await write(first)
            while true {
                switch try await stream.next() {
                case .part(let bytes): try await write(bytes)
                case .answer(let answer):
                    guard answer.first == AnswerKind.json.rawValue else { throw Tables.failure(answer) }
                    return try JSONFields(JSONValue(parsing: Array(answer.dropFirst()))).optionalInt("rows").map(
                        Int64.init) ?? 0
                }
            }
        } catch {
            stream.cancel()
            throw error
        }
    }
}

extension Tables {
    /// How long a reader of a stream may take nothing.
    public static let stallSeconds: Double = 30
    /// How long a stream may take from its beginning to its end.
    public static let streamSeconds: Double = 3600

    /// Runs a user's SELECT over the inputs, its rows to be taken one piece after the other in bounded memory, however many
    /// there are.
    ///
    /// - Throws: as `query`, before the first row: for SQL that is wrong, unknown columns, damaged files. What fails later
    ///   is thrown by `TableStream.send`.
    public func stream(
        _ sql: String, parameters: [TableValue] = [], inputs: [TableInput], as format: RowFormat,
        maxRows: Int? = nil, timeoutSeconds: Double = Tables.streamSeconds, for caller: TablesCaller = .system
    ) async throws -> TableStream {
        try Self.requireModest(sql)
        try requireAvailable()
        let request = TablesRequest(
            .stream(sql: sql, parameters: parameters, format: format, maxRows: maxRows), inputs: inputs)
        let stream = try pool.stream(
            request.bytes, deadlineSeconds: timeoutSeconds, stallSeconds: Self.stallSeconds, for: caller.worker)
        switch try await stream.next() {
        case .part(let first): return TableStream(stream, first: first, format)
        case .answer(let answer): throw Self.failure(answer)
        }
    }
}
