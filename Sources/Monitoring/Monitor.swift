import Core
import Tables

/// A watch over the predictions of one endpoint: a version of its specification together with the reference that was
/// built for it.
public struct Monitor: Sendable, Hashable {
    public let name: String
    public let version: Int
    public let project: String
    public let spec: MonitorSpec
    public let reference: Reference
    public let author: String
    /// When this version was made.
    public let created: Timestamp

    public var ref: Ref { Ref(.monitor, name, version: version) }

    public var json: JSONValue {
        var fields = spec.json.objectValue ?? [:]
        fields["name"] = .string(name)
        fields["ref"] = JSONValue(ref)
        fields["version"] = JSONValue(version)
        fields["project"] = .string(project)
        fields["author"] = .string(author)
        fields["created"] = JSONValue(created)
        fields["builtFrom"] = [
            "dataset": JSONValue(reference.dataset), "slice": JSONValue(reference.slice?.description),
            "rows": .int(reference.rows),
            "features": JSONValue(reference.features.keys.sorted()),
        ]
        return .object(fields)
    }
}

/// What the features looked like when all was well. Fixed when the monitor's version is made: data that comes in later
/// does not move it.
public struct Reference: Sendable, Hashable {
    /// The dataset's version that was read.
    public let dataset: Ref
    /// The slice's version that chose its rows.
    public let slice: Ref?
    public let rows: Int64
    let features: [String: FeatureProfile]

    init(dataset: Ref, slice: Ref?, rows: Int64, features: [String: FeatureProfile]) {
        (self.dataset, self.slice, self.rows, self.features) = (dataset, slice, rows, features)
    }

    public var json: JSONValue {
        [
            "dataset": JSONValue(dataset), "slice": JSONValue(slice?.description), "rows": .int(rows),
            "features": .object(features.mapValues(\.json)),
        ]
    }

    init(_ json: JSONValue) throws {
        let fields = try JSONFields(json)
        self.init(
            dataset: try fields.ref("dataset"), slice: try fields.optionalRef("slice"),
            rows: Int64(try fields.int("rows")),
            features: try fields.object("features").mapValues { try FeatureProfile($0) })
    }
}

/// A monitor and where it stands.
public struct MonitorState: Sendable {
    public let monitor: Monitor
    /// Of the newest report by its time.
    public let lastStatus: Report.Status?
    public let lastAt: Timestamp?
    public let activeAlert: String?
    /// When the server evaluates it next, if it does.
    public let nextEvaluation: Timestamp?

    public var json: JSONValue {
        var fields = monitor.json.objectValue ?? [:]
        fields["lastStatus"] = JSONValue(lastStatus?.rawValue)
        fields["lastAt"] = lastAt.map { JSONValue($0) } ?? .null
        fields["alert"] = JSONValue(activeAlert.map { Ref(.alert, $0).description })
        fields["nextEvaluation"] = nextEvaluation.map { JSONValue($0) } ?? .null
        return .object(fields)
    }
}
