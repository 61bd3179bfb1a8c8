import Core

/// One logged prediction, as far as monitoring cares.
struct LoggedPrediction: Sendable {
    let id: String
    /// The model's version.
    let model: Ref
    let time: Timestamp
    let rows: Int
    /// See `PredictionTable`.
    let inputs: JSONValue
    let outputs: JSONValue
}

/// The truth about one row of a prediction.
struct LoggedFeedback: Sendable {
    let prediction: String
    let row: Int
    let value: JSONValue
}

/// Where predictions and the truth about them come from.
struct PredictionSource: Sendable {
    /// Those of an endpoint in `[from, to)`, newest first.
    let page:
        @Sendable (_ endpoint: String, _ from: Timestamp?, _ to: Timestamp, _ page: PageRequest) async throws -> Page<
            LoggedPrediction
        >
    let feedback: @Sendable (_ predictions: [String]) async throws -> [LoggedFeedback]
}

/// Reads a window of predictions page by page, in memory that does not grow with it.
struct WindowReader: Sendable {
    let source: PredictionSource
    /// Rows a page, more or less: predictions can have one row or ten thousand.
    private static let pageRows = 20_000

    /// - Parameter at: the window's end; a prediction of that very moment belongs to the next window.
    func read(_ monitor: Monitor, at: Timestamp) async throws -> Findings {
        let spec = monitor.spec
        var count = FeatureCount(monitor)
        var quality = spec.quality.map { QualityCounter(spec: $0, columns: spec.columns) }
        let isDelayed = (spec.quality?.delaySeconds ?? 0) > 0
        var findings = Findings()
        try await walk(spec, to: at, &findings) { page in
            for prediction in page { count.add(prediction) }
            if !isDelayed { try await quality?.add(page, source) }
        }
        if isDelayed, let delay = spec.quality?.delaySeconds {
            var earlier = Findings()
            try await walk(spec, to: at.adding(seconds: -delay), &earlier) { try await quality?.add($0, source) }
        }
        findings.features = count.reports
        findings.absent = findings.predictions == 0 ? [] : count.absent
        findings.inputs = count.inputs
        findings.quality = quality?.count.report
        return findings
    }

    private func walk(
        _ spec: MonitorSpec, to end: Timestamp, _ findings: inout Findings,
        _ body: ([LoggedPrediction]) async throws -> Void
    ) async throws {
        var wanted = MonitorSpec.maximumRows
        var start: Timestamp?
        switch spec.window {
        case .seconds(let seconds): start = end.adding(seconds: -seconds)
        case .rows(let rows): wanted = rows
        }
        findings.from = start
        var request = PageRequest(limit: 8)
        while true {
            try Task.checkCancellation()
            let page = try await source.page(spec.endpoint, start, end, request)
            var taken: [LoggedPrediction] = []
            for prediction in page.items {
                if findings.rows >= wanted {
                    findings.isTruncated = start != nil
                    break
                }
                taken.append(prediction)
                findings.rows += prediction.rows
                findings.predictions += 1
                findings.models[prediction.model.description, default: 0] += prediction.rows
                if start == nil { findings.from = prediction.time }
            }
            try await body(taken)
            guard let next = page.next, taken.count == page.items.count else { return }
            let rowsEach = max(1, findings.rows / max(1, findings.predictions))
            request = PageRequest(limit: min(max(1, Self.pageRows / rowsEach), 500), after: next)
        }
    }
}

/// Counts the features of predictions.
private struct FeatureCount {
    /// By name.
    private var windows: [(name: String, window: FeatureWindow)]
    /// Features that some prediction had.
    private var seen: Set<String> = []
    /// Names in the newest prediction.
    private(set) var inputs: [String] = []
    /// Whether the monitor takes whatever there is.
    private let isOpen: Bool
    private let columnNames: [String: [String]]

    init(_ monitor: Monitor) {
        windows = monitor.reference.features.sorted { $0.key < $1.key }.map { ($0, FeatureWindow($1)) }
        isOpen = monitor.spec.features == nil
        columnNames = monitor.spec.columns
    }

    mutating func add(_ prediction: LoggedPrediction) {
        let table = PredictionTable(prediction.inputs, names: columnNames)
        if inputs.isEmpty { inputs = Array(table.names.prefix(100)) }
        for place in windows.indices {
            guard let column = table.column(windows[place].name) else {
                windows[place].window.addMissing(prediction.rows)
                continue
            }
            seen.insert(windows[place].name)
            for row in 0..<prediction.rows { windows[place].window.add(column.cell(row)) }
        }
    }

    /// Features that are named by the monitor and were in no prediction.
    var absent: [String] { isOpen ? [] : windows.map(\.name).filter { !seen.contains($0) } }

    /// Of a monitor that watches all inputs: columns of the reference that no prediction had are no inputs.
    var reports: [FeatureReport] {
        windows.filter { !isOpen || seen.contains($0.name) }.map { $0.window.compare(name: $0.name) }
    }
}

/// Joins predictions with the feedback on them.
private struct QualityCounter {
    let spec: MonitorSpec.QualitySpec
    let columns: [String: [String]]
    var count: QualityCount

    init(spec: MonitorSpec.QualitySpec, columns: [String: [String]]) {
        self.spec = spec
        self.columns = columns
        count = QualityCount(quantile: spec.quantile, isClassification: spec.isClassification)
    }

    mutating func add(_ page: [LoggedPrediction], _ source: PredictionSource) async throws {
        guard !page.isEmpty else { return }
        let feedback = Dictionary(grouping: try await source.feedback(page.map(\.id)), by: \.prediction)
        for prediction in page {
            guard let truths = feedback[prediction.id],
                let output = PredictionTable(prediction.outputs, names: columns).tensor(spec.output)
            else { continue }
            for truth in truths where truth.row >= 0 {
                count.add(prediction: predicted(output, row: truth.row), truth: Cell(truth.value))
            }
        }
    }

    private func predicted(_ output: (columns: [PredictionTable.Column], names: [String]?), row: Int) -> Cell {
        if let wanted = spec.column {
            guard let place = output.names?.firstIndex(of: wanted) ?? Int(wanted),
                output.columns.indices.contains(place)
            else {
                return .missing
            }
            return output.columns[place].cell(row)
        }
        guard spec.isClassification, output.columns.count > 1 else {
            return output.columns.first?.cell(row) ?? .missing
        }
        // One score a class: the label is the class with the largest.
        var best: (place: Int, score: Double)?
        for (place, column) in output.columns.enumerated() {
            guard case .number(let score) = column.cell(row), best.map({ score > $0.score }) ?? true else { continue }
            best = (place, score)
        }
        return best.map { best in output.names.map { .text($0[best.place]) } ?? .number(Double(best.place)) }
            ?? .missing
    }
}
