import Core

/// What is taken of a record of the log; field numbers are those of `wandb_internal.proto`.
enum WandBRecord {
    case run(Run)
    case config([(path: [String], value: JSONValue)], removed: [String])
    case history([(path: [String], value: JSONValue)], step: Int64?)
    case summary([(path: [String], value: JSONValue)])
    case stats(time: Int64, [(path: [String], value: JSONValue)])
    case exit(code: Int64, seconds: Int64)
    case other

    struct Run {
        var id = ""
        var entity = ""
        var project = ""
        var config: [(path: [String], value: JSONValue)] = []
        var group = ""
        var jobType = ""
        var name = ""
        var notes = ""
        var tags: [String] = []
        var host = ""
        var sweep = ""
        var started: Int64 = 0
        var remote = ""
        var commit = ""
    }

    init(_ bytes: ArraySlice<UInt8>) throws {
        var found = WandBRecord.other
        try ProtoFields.each(bytes) { number, value in
            guard let body = value.bytes else { return }
            switch number {
            case 2: found = try Self.history(body)
            case 3: found = .summary(Self.withoutMedia(try Self.items(body)))
            case 5:
                var removed: [String] = []
                try ProtoFields.each(body) { number, value in
                    guard number == 2, let item = value.bytes else { return }
                    try ProtoFields.each(item) { if $0 == 1, let key = $1.text { removed.append(key) } }
                }
                found = .config(try Self.items(body), removed: removed)
            case 7: found = try Self.stats(body)
            case 17: found = .run(try Self.run(body))
            case 18:
                var (code, seconds): (Int64, Int64) = (0, 0)
                try ProtoFields.each(body) { number, value in
                    if number == 1 { code = value.int ?? 0 }
                    if number == 2 { seconds = value.int ?? 0 }
                }
                found = .exit(code: code, seconds: seconds)
            default: break
            }
        }
        self = found
    }

    /// The items of a history, summary or configuration: `key` 1 or `nested_key` 2, and `value_json` 16.
    private static func items(_ body: ArraySlice<UInt8>, in list: Int = 1) throws -> [(
        path: [String], value: JSONValue
    )] {
        var items: [(path: [String], value: JSONValue)] = []
        try ProtoFields.each(body) { number, value in
            guard number == list, let item = value.bytes else { return }
            var (path, json): ([String], String?) = ([], nil)
            try ProtoFields.each(item) { number, value in
                switch number {
                case 1, 2: if let part = value.text, !part.isEmpty { path.append(part) }
                case 16: json = value.text
                default: break
                }
            }
            if let json, !path.isEmpty { items.append((path, try parse(json))) }
        }
        return items
    }

    /// Pictures, tables, histograms and the like, which have a `_type`, may come part by part.
    private static func withoutMedia(_ items: [(path: [String], value: JSONValue)]) -> [(
        path: [String], value: JSONValue
    )] {
        let media = Set(items.filter { $0.path.last == "_type" }.map { Array($0.path.dropLast()) })
        guard !media.isEmpty else { return items }
        return items.filter { item in
            !item.path.indices.contains { media.contains(Array(item.path[..<$0])) }
        }
    }

    /// JSON, with the numbers that JSON does not have as Python writes them.
    private static func parse(_ json: String) throws -> JSONValue {
        switch json {
        case "NaN": .number(.nan)
        case "Infinity": .number(.infinity)
        case "-Infinity": .number(-.infinity)
        default: (try? JSONValue(parsing: Array(json.utf8))) ?? .string(json)
        }
    }

    private static func history(_ body: ArraySlice<UInt8>) throws -> WandBRecord {
        var step: Int64?
        try ProtoFields.each(body) { number, value in
            guard number == 2, let body = value.bytes else { return }
            step = 0
            try ProtoFields.each(body) { if $0 == 1 { step = $1.int } }
        }
        return .history(withoutMedia(try items(body)), step: step)
    }

    private static func stats(_ body: ArraySlice<UInt8>) throws -> WandBRecord {
        var time: Int64 = 0
        try ProtoFields.each(body) { if $0 == 2, let stamp = $1.bytes { time = try milliseconds(stamp) } }
        return .stats(time: time, try items(body, in: 3))
    }

    /// google.protobuf.Timestamp.
    private static func milliseconds(_ body: ArraySlice<UInt8>) throws -> Int64 {
        var (seconds, nanos): (Int64, Int64) = (0, 0)
        try ProtoFields.each(body) { number, value in
            if number == 1 { seconds = value.int ?? 0 }
            if number == 2 { nanos = value.int ?? 0 }
        }
        guard (0...1 << 40).contains(seconds), (0..<1_000_000_000).contains(nanos) else { return 0 }
        return seconds * 1000 + nanos / 1_000_000
    }

    private static func run(_ body: ArraySlice<UInt8>) throws -> Run {
        var run = Run()
        try ProtoFields.each(body) { number, value in
            let text = value.text ?? ""
            switch number {
            case 1: run.id = text
            case 2: run.entity = text
            case 3: run.project = text
            case 4: if let config = value.bytes { run.config = try items(config) }
            case 6: run.group = text
            case 7: run.jobType = text
            case 8: run.name = text
            case 9: run.notes = text
            case 10: run.tags.append(text)
            case 12: run.sweep = text
            case 13: run.host = text
            case 17: if let stamp = value.bytes { run.started = try milliseconds(stamp) }
            case 21:
                try ProtoFields.each(value.bytes ?? []) { number, value in
                    if number == 1 { run.remote = value.text ?? "" }
                    if number == 2 { run.commit = value.text ?? "" }
                }
            default: break
            }
        }
        return run
    }
}
