import Core

/// What one evaluation found.
public struct Report: Sendable, Hashable {
    public enum Status: String, Sendable, CaseIterable {
        /// All that has thresholds could be judged, and nothing is above them.
        case ok
        /// Something lies above its threshold.
        case drift
        /// Too few rows, features that no prediction has, or too little feedback to tell.
        case insufficientData = "insufficient-data"
    }

    public let id: String
    public let monitor: String
    public let version: Int
    /// The evaluation's time: the end of the window.
    public let at: Timestamp
    public let created: Timestamp
    public let status: Status
    public let findings: Findings
    public let crossings: [Crossing]

    init(id: String, monitor: Monitor, at: Timestamp, created: Timestamp, findings: Findings) {
        let minimum = monitor.spec.minimumRows
        self.id = id
        (self.monitor, version) = (monitor.name, monitor.version)
        (self.at, self.created) = (at, created)
        self.findings = findings
        crossings = monitor.spec.thresholds.crossings(
            features: findings.features, quality: findings.quality, minimumRows: minimum)
        let isJudged = findings.isJudged(by: monitor.spec.thresholds, minimumRows: minimum)
        status = !crossings.isEmpty ? .drift : isJudged ? .ok : .insufficientData
    }

    /// As it is stored; what followed from it (alert, pipeline run) is kept beside it.
    public var json: JSONValue {
        [
            "id": .string(id), "monitor": .string(monitor), "version": JSONValue(version),
            "ref": JSONValue(Ref(.monitor, monitor, version: version)), "at": JSONValue(at),
            "created": JSONValue(created),
            "status": .string(status.rawValue), "from": findings.from.map { JSONValue($0) } ?? .null,
            "predictions": JSONValue(findings.predictions), "rows": JSONValue(findings.rows),
            "truncated": .bool(findings.isTruncated),
            "models": .array(
                findings.models.sorted { $0.key < $1.key }.map {
                    ["ref": .string($0.key), "rows": JSONValue($0.value)]
                }),
            "features": .array(findings.features.map(\.json)), "quality": findings.quality?.json ?? .null,
            "crossed": .array(crossings.map(\.json)), "note": JSONValue(findings.note),
        ]
    }
}

/// The figures of a window.
public struct Findings: Sendable, Hashable {
    /// The window's begin; nil for windows of rows without predictions.
    public var from: Timestamp?
    public var predictions = 0
    public var rows = 0
    /// Whether there was more than `MonitorSpec.maximumRows`.
    public var isTruncated = false
    /// Rows by the model version that predicted them.
    public var models: [String: Int] = [:]
    /// By name.
    public var features: [FeatureReport] = []
    /// Features that the monitor names and no prediction has.
    public var absent: [String] = []
    /// What the newest prediction has, up to a hundred names.
    public var inputs: [String] = []
    /// nil when the monitor does not ask for it.
    public var quality: QualityReport?

    public init() {}

    /// Whether there is enough of everything that has a threshold.
    func isJudged(by thresholds: Thresholds, minimumRows: Int) -> Bool {
        if thresholds.judgesFeatures {
            guard absent.isEmpty, rows >= minimumRows, features.contains(where: { $0.present >= minimumRows }) else {
                return false
            }
        }
        return !thresholds.judgesQuality || (quality?.rows ?? 0) >= minimumRows
    }

    /// What to do when features are not found; nil when they are.
    var note: String? {
        guard predictions > 0, !absent.isEmpty || features.isEmpty else { return nil }
        let missing = absent.isEmpty ? "no column of the reference" : "no input named \(absent.joined(separator: ", "))"
        return
            "The predictions have \(missing); they have \(inputs.joined(separator: ", ")). Name the columns of a matrix with the monitor's field columns."
    }
}
