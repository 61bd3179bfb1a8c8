import CommandKit
import Core
import Logging

/// Log lines on the error stream: text for a terminal, one JSON object a line otherwise.
struct ServerLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let asJSON: Bool

    init(level: Logger.Level, asJSON: Bool) {
        logLevel = level
        self.asJSON = asJSON
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        if asJSON {
            var fields: [String: JSONValue] = [
                "time": JSONValue(Clock.system.now()), "level": .string(event.level.rawValue),
                "message": .string("\(event.message)"),
            ]
            for (key, value) in all { fields[key] = .string("\(value)") }
            Terminal.error(JSONValue.object(fields).canonicalText)
        } else {
            let rest =
                all.isEmpty
                ? "" : "  " + all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            Terminal.error("\(Clock.system.now()) \(event.level.rawValue) \(event.message)\(rest)")
        }
    }
}
