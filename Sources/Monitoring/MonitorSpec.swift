import Core

/// What a monitor watches and what it does about it, as its author wrote it.
public struct MonitorSpec: Hashable, Sendable {
    public let endpoint: String
    /// `dataset:name@3`, `dataset:name` (the newest version) or `slice:name`.
    public let reference: Ref
    /// Columns of the reference; nil for all that the endpoint is also given.
    public let features: [String]?
    /// Names for the columns of inputs that are matrices and whose model does not name them, by input.
    public let columns: [String: [String]]
    public let window: Window
    /// With fewer rows nothing is said about drift.
    public let minimumRows: Int
    public let thresholds: Thresholds
    public let quality: QualitySpec?
    public let onDrift: DriftAction?
    /// How often the server evaluates it by itself, on its own clock; nil: only when asked.
    public let everySeconds: Double?
    public let description: String

    /// The stretch of predictions that an evaluation looks at; it ends at the evaluation's time, which it does not include.
    public enum Window: Hashable, Sendable {
        case seconds(Double)
        /// The newest predictions that have at least so many rows together.
        case rows(Int)
    }

    /// How predictions are compared with the feedback on them.
    public struct QualitySpec: Hashable, Sendable {
        /// The output; nil for the only one, else the first by name.
        public let output: String?
        /// The output's column by name or number; nil for the first or, of classes, the one with the largest value.
        public let column: String?
        /// For the pinball loss.
        public let quantile: Double?
        public let isClassification: Bool
        /// How late the truth comes: the predictions that are judged lie so many seconds before the window.
        public let delaySeconds: Double
    }

    /// What starts when drift is found.
    public struct DriftAction: Hashable, Sendable {
        public let pipeline: String
        public let params: [String: JSONValue]
        /// The least time between two starts, on the clock of the evaluations.
        public let minimumSeconds: Double

        public static let minimumSecondsDefault = 86_400.0
    }

    public static let minimumRowsDefault = 200
    /// What one evaluation reads at most; the newest rows are taken.
    public static let maximumRows = 1_000_000
    public static let maximumFeatures = 1000
    private static let fields: Set<String> = [
        "endpoint", "project", "reference", "features", "columns", "window", "minimumRows", "thresholds", "quality",
        "onDrift",
        "everySeconds", "description",
    ]

    /// - Throws: `invalid`, naming the field.
    public init(_ json: JSONValue) throws {
        let body = try JSONFields(json, allowed: Self.fields)
        endpoint = try Name.validate(body.string("endpoint"), field: "endpoint")
        reference = try body.ref("reference")
        guard reference.kind == .dataset || reference.kind == .slice else {
            throw SlipwayError.field(
                "reference", "\(reference) is a \(reference.kind.rawValue)", expected: "dataset:name@3 or slice:name")
        }
        features = try Self.features(body)
        columns = try Dictionary(
            uniqueKeysWithValues: body.object("columns").map { name, value in
                guard let names = value.arrayValue?.compactMap(\.stringValue), names.count == value.arrayValue?.count,
                    !names.isEmpty
                else { throw SlipwayError.field("columns.\(name)", "is not a list of names") }
                return (name, names)
            })
        window = try Window(body["window"] ?? .null)
        minimumRows = try Self.count(body, "minimumRows", default: Self.minimumRowsDefault)
        thresholds = try body["thresholds"].map { _ in try Thresholds(body.object("thresholds")) } ?? .standard
        quality = try body["quality"].flatMap { $0.isNull ? nil : try QualitySpec($0) }
        onDrift = try body["onDrift"].flatMap { $0.isNull ? nil : try DriftAction($0) }
        everySeconds = try body.optionalDouble("everySeconds")
        if let everySeconds, !(1...31_622_400).contains(everySeconds) {
            throw SlipwayError.field("everySeconds", "is out of range", expected: "1 second to a year")
        }
        description = try body.optionalString("description") ?? ""
        if thresholds.limits[.pinball] != nil, quality?.quantile == nil {
            throw SlipwayError.field(
                "thresholds.pinball", "has no quantile to go with it", expected: "quality.quantile, such as 0.9")
        }
        let wanted = Set(thresholds.limits.keys)
        if quality == nil, let measure = wanted.subtracting([.psi, .ks, .missing]).min() {
            throw SlipwayError.field(
                "thresholds.\(measure.rawValue)", "needs feedback to be compared",
                expected: "a field quality, {} will do")
        }
        if let quality,
            let measure = wanted.intersection(quality.isClassification ? [.mae, .rmse, .bias, .pinball] : [.errorRate])
                .min()
        {
            throw SlipwayError.field(
                "thresholds.\(measure.rawValue)",
                "is not a measure of \(quality.isClassification ? "classification" : "regression")",
                expected: quality.isClassification
                    ? "errorRate" : "mae, rmse, bias or pinball, or quality.task 'classification'")
        }
    }

    private static func features(_ body: JSONFields) throws -> [String]? {
        guard let value = body["features"], value != .null, value != "all" else { return nil }
        let names = try body.strings("features")
        guard (1...maximumFeatures).contains(names.count), Set(names).count == names.count else {
            throw SlipwayError.field(
                "features", names.isEmpty ? "is empty" : "has a name twice or too many",
                expected: "1 to \(maximumFeatures) names, or 'all'")
        }
        return names
    }

    private static func count(_ body: JSONFields, _ name: String, default value: Int) throws -> Int {
        let count = try body.optionalInt(name) ?? value
        guard (1...maximumRows).contains(count) else {
            throw SlipwayError.field(name, "is out of range", expected: "1 to \(maximumRows)")
        }
        return count
    }

    public var json: JSONValue {
        [
            "endpoint": .string(endpoint), "reference": JSONValue(reference),
            "features": features.map { JSONValue($0) } ?? "all",
            "columns": .object(columns.mapValues { JSONValue($0) }), "window": window.json,
            "minimumRows": JSONValue(minimumRows),
            "thresholds": thresholds.json, "quality": quality?.json ?? .null, "onDrift": onDrift?.json ?? .null,
            "everySeconds": everySeconds.map { .number($0) } ?? .null, "description": .string(description),
        ]
    }
}

extension MonitorSpec.Window {
    fileprivate init(_ json: JSONValue) throws {
        let body = try JSONFields(json, allowed: ["seconds", "hours", "days", "rows"], path: "window")
        let expected = "exactly one of seconds, hours, days, rows"
        guard body.fields.count == 1, let unit = body.fields.keys.first else {
            throw SlipwayError.field(
                "window", body.fields.isEmpty ? "is empty" : "has several units", expected: expected)
        }
        if unit == "rows" {
            let rows = try body.int("rows")
            guard (1...MonitorSpec.maximumRows).contains(rows) else {
                throw SlipwayError.field("window.rows", "is out of range", expected: "1 to \(MonitorSpec.maximumRows)")
            }
            self = .rows(rows)
            return
        }
        let seconds = try body.double(unit) * (unit == "days" ? 86_400 : unit == "hours" ? 3600 : 1)
        guard seconds >= 1, seconds <= 366 * 86_400 * 10 else {
            throw SlipwayError.field("window.\(unit)", "is out of range", expected: "1 second to 10 years")
        }
        self = .seconds(seconds)
    }

    fileprivate var json: JSONValue {
        switch self {
        case .seconds(let seconds): ["seconds": .number(seconds)]
        case .rows(let rows): ["rows": JSONValue(rows)]
        }
    }
}

extension MonitorSpec.QualitySpec {
    fileprivate init(_ json: JSONValue) throws {
        let body = try JSONFields(
            json, allowed: ["output", "column", "quantile", "task", "delaySeconds"], path: "quality")
        output = try body.optionalString("output")
        column = try body["column"].flatMap { value in
            if value.isNull { return nil }
            guard let text = value.stringValue ?? value.intValue.map(String.init) else {
                throw SlipwayError.field(
                    "quality.column", "is \(value.kindName)", expected: "a name or a number from 0")
            }
            return text
        }
        quantile = try body.optionalDouble("quantile")
        if let quantile, !(quantile > 0 && quantile < 1) {
            throw SlipwayError.field("quality.quantile", "is out of range", expected: "a number between 0 and 1")
        }
        let task = try body.optionalString("task") ?? "regression"
        guard task == "regression" || task == "classification" else {
            throw SlipwayError.field(
                "quality.task", "'\(task.prefix(40))' is not a task", expected: "regression or classification")
        }
        isClassification = task == "classification"
        delaySeconds = try body.optionalDouble("delaySeconds") ?? 0
        guard (0...366 * 86_400).contains(delaySeconds) else {
            throw SlipwayError.field("quality.delaySeconds", "is out of range", expected: "0 to a year")
        }
    }

    fileprivate var json: JSONValue {
        [
            "output": JSONValue(output), "column": JSONValue(column), "quantile": quantile.map { .number($0) } ?? .null,
            "task": isClassification ? "classification" : "regression", "delaySeconds": .number(delaySeconds),
        ]
    }
}

extension MonitorSpec.DriftAction {
    fileprivate init(_ json: JSONValue) throws {
        let body = try JSONFields(json, allowed: ["pipeline", "params", "minimumSeconds"], path: "onDrift")
        pipeline = try Name.validate(body.string("pipeline"), field: "onDrift.pipeline")
        params = try body.object("params")
        minimumSeconds = try body.optionalDouble("minimumSeconds") ?? Self.minimumSecondsDefault
        guard minimumSeconds >= 0, minimumSeconds <= 366 * 86_400 else {
            throw SlipwayError.field("onDrift.minimumSeconds", "is out of range", expected: "0 to a year")
        }
    }

    fileprivate var json: JSONValue {
        ["pipeline": .string(pipeline), "params": .object(params), "minimumSeconds": .number(minimumSeconds)]
    }
}
