import Core
import Processes
import Synchronization

extension Tables {
    /// One page of a view of Parquet files. Costs about the same wherever the page lies:
    /// - of a table as it lies, only the row groups with the rows are read;
    /// - of a sorted, filtered or searched one, the columns that decide are read once, from the given row on;
    /// - a page `at` a number of such a view makes an index of it, after which its pages are as cheap as the first kind.
    ///
    /// - Throws: `invalid` for unknown columns, for an order by nested ones and for cursors of other tables; else as `query`.
    public func page(
        of input: TableInput, _ query: PageQuery, timeoutSeconds: Double? = nil, for caller: TablesCaller = .system
    ) async throws -> TablePage<TableResult> {
        let how = PageAsk(form: .table, seconds: timeoutSeconds, caller: caller)
        return try await page(of: input, query, how) { try TableDecoder.decode($0, from: $1) }
    }

    /// The same as a stream of Arrow's IPC format.
    public func arrowPage(
        of input: TableInput, _ query: PageQuery, timeoutSeconds: Double? = nil, for caller: TablesCaller = .system
    ) async throws -> TablePage<[UInt8]> {
        let how = PageAsk(form: .arrow, seconds: timeoutSeconds, caller: caller)
        return try await page(of: input, query, how) { Array($0[$1...]) }
    }

    /// How a page is asked for.
    private struct PageAsk {
        let form: PageJob.Form
        let seconds: Double?
        let caller: TablesCaller
    }

    private func page<Rows: Sendable>(
        of input: TableInput, _ query: PageQuery, _ how: PageAsk,
        _ decode: ([UInt8], Int) throws -> Rows
    ) async throws -> TablePage<Rows> {
        guard query.limit > 0 else { throw SlipwayError.field("limit", "is not positive") }
        let numbers = try await rowNumbers(of: input, for: how.caller)
        if let cursor = query.cursor, !(0..<numbers.total).contains(cursor.row) {
            throw SlipwayError.field("after", "is not a cursor of these rows")
        }
        if query.isPlain {
            let window = Window(query, total: numbers.total) { $0.row }
            return try await known(
                Array(window.range), window, total: numbers.total, input, query, numbers, how, decode)
        }
        if let index = try await index(of: input, query, numbers, how.caller) {
            if let window = try await OwnThread.run(name: "index", { try Self.window(query, index) }) {
                let rows = try await OwnThread.run(name: "index") {
                    try index.rows(from: window.range.lowerBound, count: window.range.count)
                }
                return try await known(rows, window, total: index.count, input, query, numbers, how, decode)
            }
        }
        return try await scan(input, query, numbers, how, decode)
    }

    /// A part of a view by the numbers of its rows there.
    private struct Window {
        let range: Range<Int64>
        let hasBefore: Bool
        let hasAfter: Bool

        init(_ query: PageQuery, total: Int64, position: (RowPlace) -> Int64) {
            let limit = Int64(query.limit)
            switch query.place {
            case .start: range = 0..<min(limit, total)
            case .at(let first):
                let first = min(max(0, first), total)
                range = first..<min(total, first + min(limit, total - first))
            case .after(let place):
                let first = min(position(place) + 1, total)
                range = first..<min(total, first + min(limit, total - first))
            case .before(let place):
                let end = min(position(place), total)
                range = max(0, end - limit)..<end
            }
            hasBefore = range.lowerBound > 0
            hasAfter = range.upperBound < total
        }
    }

    /// nil when it is not known where in the view the cursor stands.
    private static func window(_ query: PageQuery, _ index: RowIndex) throws -> Window? {
        guard let cursor = query.cursor else { return Window(query, total: index.count) { $0.row } }
        if let position = cursor.position, try index.rows(from: position, count: 1) == [cursor.row] {
            return Window(query, total: index.count) { _ in position }
        }
        guard query.order.isEmpty, let position = try index.position(of: cursor.row) else { return nil }
        return Window(query, total: index.count) { _ in position }
    }

    private func index(of input: TableInput, _ query: PageQuery, _ numbers: RowNumbers, _ caller: TablesCaller)
        async throws -> RowIndex?
    {
        let key = RowIndexes.key(input, query)
        guard case .at = query.place else { return indexes.find(key) }
        return try await indexes.index(key) { path in
            let answer = try await self.ask(
                .index(query, counts: numbers.starts.adjacentDifferences, path: path), [input],
                Self.indexSeconds, .json, caller.working)
            return try JSONFields(JSONValue(parsing: Array(answer.dropFirst()))).int("width")
        }
    }

    /// How long the making of an index may take.
    static let indexSeconds: Double = 300

    // MARK: Asking a worker

    private func known<Rows: Sendable>(
        _ rows: [Int64], _ window: Window, total: Int64, _ input: TableInput, _ query: PageQuery, _ numbers: RowNumbers,
        _ how: PageAsk, _ decode: ([UInt8], Int) throws -> Rows
    ) async throws -> TablePage<Rows> {
        // Only the files that have some of the rows are opened; of none, the first, for its columns.
        let runs = numbers.runs(rows)
        let files = runs.isEmpty ? [0] : Set(runs.map(\.file)).sorted()
        let places = Dictionary(uniqueKeysWithValues: zip(files, files.indices))
        var part = input
        if input.columns != nil {
            part.files = files.map { input.files[$0] }
            part.labels = input.labels.map { labels in files.map { labels[$0] } }
        }
        let local =
            input.columns == nil
            ? runs : runs.map { RowRun(file: places[$0.file] ?? 0, first: $0.first, count: $0.count) }
        let (_, answer, start) = try await ask(query, .rows(local), part, how)
        return TablePage(
            rows: try decode(answer, start), rowNumbers: rows, position: window.range.lowerBound, total: total,
            hasBefore: window.hasBefore, hasAfter: window.hasAfter)
    }

    private func scan<Rows: Sendable>(
        _ input: TableInput, _ query: PageQuery, _ numbers: RowNumbers, _ how: PageAsk,
        _ decode: ([UInt8], Int) throws -> Rows
    ) async throws -> TablePage<Rows> {
        var backwards = false
        if case .before = query.place { backwards = true }
        let source = PageJob.Source.scan(from: query.cursor.map { numbers.place($0.row) }, backwards: backwards)
        let (about, answer, start) = try await ask(query, source, input, how)
        let runs = try about.array("rows").map { try RowRun($0) }
        let more = try about.bool("more", default: false)
        // There is something on the side that one came from.
        let hasBefore = backwards ? more : query.cursor != nil
        return TablePage(
            rows: try decode(answer, start), rowNumbers: numbers.numbers(runs),
            position: hasBefore ? nil : 0, total: nil, hasBefore: hasBefore, hasAfter: backwards || more)
    }

    private func ask(_ query: PageQuery, _ source: PageJob.Source, _ input: TableInput, _ how: PageAsk) async throws
        -> (about: JSONFields, answer: [UInt8], start: Int)
    {
        let job = PageJob(query, source, how.form)
        let answer = try await ask(.page(job), [input], how.seconds, .page, how.caller)
        guard answer.count >= 5 else { throw SlipwayError(.internal, "A worker's answer is cut off.") }
        let length = answer[1..<5].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard answer.count >= 5 + length else { throw SlipwayError(.internal, "A worker's answer is cut off.") }
        return (try JSONFields(JSONValue(parsing: Array(answer[5..<5 + length]))), answer, 5 + length)
    }

    // MARK: Row counts

    /// Read once for each list of files, which must not change under their names; datasets' files never do.
    func rowNumbers(of input: TableInput, for caller: TablesCaller) async throws -> RowNumbers {
        let key = Digest.of(JSONValue(input.files).canonicalText)
        if let known = counts.withLock({ $0[key] }) { return known }
        let answer = try await ask(.rowCounts, [input], nil, .json, caller)
        let read = try JSONValue(parsing: Array(answer.dropFirst())).arrayValue?.compactMap(\.intValue) ?? []
        let numbers = RowNumbers(counts: read)
        counts.withLock { known in
            // Small, but not without end.
            if known.reduce(0, { $0 + $1.value.starts.count }) > Self.countsKept { known = [:] }
            known[key] = numbers
        }
        return numbers
    }

    private static let countsKept = 1_000_000
}

extension PageQuery {
    var cursor: RowPlace? {
        switch place {
        case .after(let place), .before(let place): place
        case .start, .at: nil
        }
    }
}

extension [Int64] {
    fileprivate var adjacentDifferences: [Int64] { zip(self, dropFirst()).map { $1 - $0 } }
}
