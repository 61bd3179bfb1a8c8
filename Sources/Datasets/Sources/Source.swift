import Core
import Tables

/// Where data comes from.
public struct Source: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable { case file, http, s3, postgres, sqlite }

    public let name: String
    public let project: String
    public let kind: Kind
    /// A path or glob, a URL, an `s3://` prefix, a database URL or file; never with a password.
    public let location: String
    /// For databases: what to read.
    public let query: String?
    public let format: TableInput.Format?
    public let encoding: TableInput.Encoding
    public let created: Timestamp
    /// When it last became a version, and what was seen then (ETags, sizes, digests, the row range).
    public var lastImported: Timestamp?
    public var lastSeen: JSONValue?
    var settings = SourceSettings()
    /// When it was last looked at, and when something else than before was found.
    var checked: Timestamp?
    var changed: Timestamp?
    /// Since when it is known to be late; nil while it is not.
    var late: Timestamp?
    /// When its schedule last started a sync.
    var fired: Timestamp?
    /// Why it could not be read the last time.
    var problem: String?

    public var ref: Ref { Ref(.source, name) }

    /// When the next change is due, by the expected period.
    var due: Timestamp? { settings.periodSeconds.map { (changed ?? created).adding(seconds: $0) } }

    func isLate(_ now: Timestamp) -> Bool { due.map { $0 < now } ?? false }

    func json(at now: Timestamp) -> JSONValue {
        let freshness: JSONValue = [
            "periodSeconds": settings.periodSeconds.map { .number($0) } ?? .null,
            "changed": changed.map { JSONValue($0) } ?? .null, "checked": checked.map { JSONValue($0) } ?? .null,
            "due": due.map { JSONValue($0) } ?? .null,
            "late": settings.periodSeconds == nil ? .null : .bool(isLate(now)),
        ]
        return [
            "name": .string(name), "ref": JSONValue(ref), "project": .string(project), "kind": .string(kind.rawValue),
            "location": .string(location), "query": JSONValue(query), "format": JSONValue(format?.rawValue),
            "encoding": .string(encoding.rawValue), "created": JSONValue(created),
            "lastImported": lastImported.map { JSONValue($0) } ?? .null, "lastSeen": lastSeen ?? .null,
            "settings": settings.json, "freshness": freshness, "problem": JSONValue(problem),
        ]
    }
}

/// How a source is read, and where to.
struct SourceSettings: Sendable, Hashable {
    enum Authentication: String, Sendable, CaseIterable { case bearer, basic }

    /// The name of a secret of the project.
    var secret: String?
    /// For HTTP: how the secret is sent.
    var authentication = Authentication.bearer
    /// Where `sync` puts what it reads.
    var dataset: String?
    var branch = Dataset.mainBranch
    var appends = false
    /// When it is read by itself.
    var schedule: CronSchedule?
    /// How often something new is expected.
    var periodSeconds: Double?
    /// For databases: a column that only grows; each sync reads what is beyond the last value.
    var watermark: String?
    var onChange = OnSchemaChange.fail
    var badRows = BadRows.stop
    /// For databases: how long the query may take.
    var timeoutSeconds = 600.0

    static let fields: Set<String> = [
        "secret", "authentication", "dataset", "branch", "mode", "schedule", "periodSeconds", "watermark", "onChange",
        "badRows", "timeoutSeconds",
    ]

    init() {}

    /// What a body or the database says; fields that it does not name stay, and null takes a field away.
    mutating func change(_ body: JSONFields) throws {
        func choice<T: RawRepresentable & CaseIterable>(_ key: String, _ type: T.Type) throws -> T?
        where T.RawValue == String {
            guard let text = try body.optionalString(key) else { return nil }
            guard let value = T(rawValue: text) else {
                throw SlipwayError.field(
                    key, "'\(text.prefix(40))' is not a choice",
                    expected: T.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return value
        }
        func seconds(_ key: String, _ range: ClosedRange<Double>) throws -> Double? {
            guard let value = try body.optionalDouble(key) else { return nil }
            guard range.contains(value) else {
                throw SlipwayError.field(
                    key, "is out of range", expected: "\(Int(range.lowerBound)) to \(Int(range.upperBound)) seconds")
            }
            return value
        }
        if body["secret"] != nil {
            secret = try body.optionalString("secret").map { try Name.validate($0, field: "secret") }
        }
        authentication = try choice("authentication", Authentication.self) ?? authentication
        if body["dataset"] != nil {
            dataset = try body.optionalString("dataset").map { try Name.validate($0, field: "dataset") }
        }
        branch = try body.optionalString("branch") ?? branch
        switch try body.optionalString("mode") {
        case nil: break
        case "append": appends = true
        case "replace": appends = false
        case let mode?:
            throw SlipwayError.field("mode", "'\(mode.prefix(40))' is not a mode", expected: "replace or append")
        }
        if body["schedule"] != nil {
            schedule = try body.optionalString("schedule").map { try CronSchedule(parsing: $0) }
        }
        if body["periodSeconds"] != nil { periodSeconds = try seconds("periodSeconds", 1...315_360_000) }
        if body["watermark"] != nil { watermark = try body.optionalString("watermark") }
        onChange = try choice("onChange", OnSchemaChange.self) ?? onChange
        badRows = try choice("badRows", BadRows.self) ?? badRows
        timeoutSeconds = try seconds("timeoutSeconds", 1...86_400) ?? timeoutSeconds
    }

    var json: JSONValue {
        [
            "secret": JSONValue(secret), "authentication": .string(authentication.rawValue),
            "dataset": JSONValue(dataset), "branch": .string(branch), "mode": .string(appends ? "append" : "replace"),
            "schedule": JSONValue(schedule?.description), "periodSeconds": periodSeconds.map { .number($0) } ?? .null,
            "watermark": JSONValue(watermark), "onChange": .string(onChange.rawValue),
            "badRows": .string(badRows.rawValue), "timeoutSeconds": .number(timeoutSeconds),
        ]
    }

    /// - Throws: `invalid` for what does not go together.
    func validate(for kind: Source.Kind) throws {
        let isDatabase = kind == .postgres || kind == .sqlite
        if watermark != nil, !isDatabase || !appends {
            throw SlipwayError.field(
                "watermark", "needs a database that is read in the mode append", expected: "none, or mode append")
        }
        if secret != nil, kind == .file || kind == .sqlite {
            throw SlipwayError.field("secret", "is of no use to the kind \(kind.rawValue)", expected: "none")
        }
        if schedule != nil, dataset == nil {
            throw SlipwayError.field("schedule", "needs to know where to", expected: "a dataset with it")
        }
    }
}

/// What happens with rows that cannot be read.
enum BadRows: String, Sendable, CaseIterable {
    /// The first one stops the import, with its place.
    case stop
    /// They are left out, and kept beside the version with their places.
    case skip
    /// They stay, with NULL in place of each value that cannot be read.
    case keep
}

/// What happens with rows whose columns are not those of the dataset that they go to.
enum OnSchemaChange: String, Sendable, CaseIterable {
    /// They are refused, with what differs.
    case fail
    /// New columns are taken on; rows without a column have NULL there.
    case evolve
    /// New columns are dropped; rows without a column have NULL there.
    case ignore

    /// - Throws: `invalid`, naming the field.
    init?(parsing text: String?, field: String) throws {
        guard let text else { return nil }
        guard let choice = OnSchemaChange(rawValue: text) else {
            throw SlipwayError.field(
                field, "'\(text.prefix(40))' is not a choice",
                expected: Self.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self = choice
    }
}

extension BadRows {
    /// - Throws: `invalid`, naming the field.
    init?(parsing text: String?, field: String) throws {
        guard let text else { return nil }
        guard let choice = BadRows(rawValue: text) else {
            throw SlipwayError.field(
                field, "'\(text.prefix(40))' is not a choice",
                expected: Self.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self = choice
    }
}
