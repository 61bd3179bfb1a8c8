import Core

/// What starts a pipeline without anybody asking.
public struct PipelineTrigger: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case schedule(CronSchedule)
        /// Patterns over an event's type and subject: `*` stands for any run of characters.
        case event(type: String, subject: String)
    }
    public let kind: Kind
    /// Parameters of the run; text may hold `${event.…}` under an event.
    public let params: [String: JSONValue]

    init(_ value: JSONValue, index: Int) throws {
        let path = "triggers[\(index)]"
        let fields = try JSONFields(value, allowed: ["schedule", "event", "subject", "params"], path: path)
        let (schedule, event) = (try fields.optionalString("schedule"), try fields.optionalString("event"))
        params = try fields.object("params")
        switch (schedule, event) {
        case (let text?, nil):
            guard fields["subject"] == nil else {
                throw SlipwayError.field("\(path).subject", "goes with an event, not with a schedule")
            }
            kind = .schedule(try CronSchedule(parsing: text, field: "\(path).schedule"))
        case (nil, let type?):
            guard !type.isEmpty else {
                throw SlipwayError.field(
                    "\(path).event", "is empty", expected: "a type such as dataset.version.created")
            }
            kind = .event(type: type, subject: try fields.optionalString("subject") ?? "*")
        default:
            throw SlipwayError.field(
                path, schedule == nil ? "has neither schedule nor event" : "has both schedule and event",
                expected: "one of them")
        }
        for (name, item) in params {
            let field = "\(path).params.\(name)"
            switch item {
            case .string(let text):
                for placeholder in try Template(parsing: text, field: field).placeholders {
                    guard placeholder.hasPrefix("event."), case .event = kind else {
                        throw SlipwayError.field(
                            field, "'${\(placeholder)}' cannot be used here",
                            expected: "under an event, ${event.id|type|subject|time} or ${event.data.FIELD}")
                    }
                }
            case .int, .number, .bool: break
            default: throw SlipwayError.field(field, "is \(item.kindName)", expected: "text, a number, true or false")
            }
        }
    }

    /// Whether an event starts the pipeline.
    public func matches(eventType: String, subject: String) -> Bool {
        guard case .event(let type, let wanted) = kind else { return false }
        return Glob.matches(type, eventType) && Glob.matches(wanted, subject)
    }

    /// The parameters of a run that an event starts.
    ///
    /// - Parameter event: an object with `id`, `type`, `subject`, `time` and `data`.
    /// - Throws: `invalid` when the event has no such field.
    public func parameters(event: JSONValue) throws -> [String: JSONValue] {
        try params.mapValues { value in
            guard let text = value.stringValue else { return value }
            return try Template(parsing: text, field: "triggers.params").value { name in
                var found: JSONValue? = event
                for part in name.split(separator: ".").dropFirst() { found = found?[String(part)] }
                guard let found, !found.isNull else {
                    throw SlipwayError(
                        .invalid, "The event that started the pipeline has no \(name.dropFirst("event.".count)).")
                }
                return found
            }
        }
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = [:]
        switch kind {
        case .schedule(let schedule): fields["schedule"] = .string(schedule.description)
        case .event(let type, let subject): (fields["event"], fields["subject"]) = (.string(type), .string(subject))
        }
        if !params.isEmpty { fields["params"] = .object(params) }
        return .object(fields)
    }
}
