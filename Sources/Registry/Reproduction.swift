import Core

/// Compares a model with the one that its recipe gave when it was run again. Pure.
public struct Reproduction: Sendable, Hashable {
    /// What one of the two runs left: its files by path, and its metrics.
    public struct Outcome: Sendable, Hashable {
        public var files: [String: Digest]
        public var metrics: [String: Double]

        public init(files: [String: Digest], metrics: [String: Double]) {
            self.files = files
            self.metrics = metrics
        }
    }

    public enum Verdict: String, Sendable {
        /// Every file that holds the model has the same bytes.
        case equal
        /// Files differ, every metric is the same within the tolerance.
        case withinTolerance = "within tolerance"
        case differs
    }

    /// The first thing that differs.
    public struct Difference: Sendable, Hashable {
        /// `file` or `metric`.
        public let kind: String
        public let name: String
        public let recorded: String
        public let rerun: String

        public init(kind: String, name: String, recorded: String, rerun: String) {
            self.kind = kind
            self.name = name
            self.recorded = recorded
            self.rerun = rerun
        }
    }

    public let verdict: Verdict
    /// Set when the bytes are not the same: the file, or with `differs` the metric if one is out of tolerance.
    public let firstDifference: Difference?
    public let filesCompared: Int
    public let metricsCompared: Int

    /// Relative, on the larger of the two magnitudes.
    public static let defaultTolerance = 1e-6

    /// Files that say when and where a model was made, and so differ between any two runs.
    static let circumstantial: Set<String> = [ModelCard.fileName, "registered_model_meta"]

    /// Compares what was recorded with what the rerun gave.
    public init(recorded: Outcome, rerun: Outcome, tolerance: Double = defaultTolerance) {
        func isModel(_ path: String) -> Bool {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            return !Self.circumstantial.contains(name)
        }
        let paths = Set(recorded.files.keys).union(rerun.files.keys).filter(isModel).sorted()
        let file = paths.lazy.compactMap { path -> Difference? in
            let (a, b) = (recorded.files[path], rerun.files[path])
            return a == b
                ? nil : Difference(kind: "file", name: path, recorded: a?.hex ?? "absent", rerun: b?.hex ?? "absent")
        }.first
        // Timing and system metrics say how fast the machine was, not what the model is: they are left out by name.
        let names = recorded.metrics.keys.filter {
            !$0.hasPrefix("system/") && !$0.hasSuffix("_seconds") && !$0.hasSuffix("_ms")
        }.sorted()
        let metric = names.lazy.compactMap { name -> Difference? in
            guard let a = recorded.metrics[name] else { return nil }
            guard let b = rerun.metrics[name] else {
                return Difference(kind: "metric", name: name, recorded: a.description, rerun: "absent")
            }
            return Self.isWithin(a, b, tolerance)
                ? nil : Difference(kind: "metric", name: name, recorded: a.description, rerun: b.description)
        }.first
        filesCompared = paths.count
        metricsCompared = names.count
        if file == nil, !paths.isEmpty {
            verdict = .equal
            firstDifference = nil
        } else if metric == nil, !names.isEmpty {
            verdict = .withinTolerance
            firstDifference = file
        } else {
            verdict = .differs
            firstDifference =
                metric ?? file ?? Difference(kind: "file", name: "the model", recorded: "absent", rerun: "absent")
        }
    }

    static func isWithin(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
        if a == b || (a.isNaN && b.isNaN) { return true }
        guard a.isFinite, b.isFinite else { return false }
        return abs(a - b) <= tolerance * max(abs(a), abs(b))
    }

    public var json: JSONValue {
        [
            "verdict": .string(verdict.rawValue), "filesCompared": JSONValue(filesCompared),
            "metricsCompared": JSONValue(metricsCompared),
            "firstDifference": firstDifference.map {
                [
                    "kind": .string($0.kind), "name": .string($0.name), "recorded": .string($0.recorded),
                    "rerun": .string($0.rerun),
                ]
            } ?? .null,
        ]
    }
}
