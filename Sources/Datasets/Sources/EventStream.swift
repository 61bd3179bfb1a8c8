import Core

/// A branch of a dataset to which events are pushed.
struct EventStream: Sendable, Hashable {
    let dataset: String
    let branch: String
    /// The buffered events become a version when there are so many, or when the oldest has waited so long.
    var flushRows = 10_000
    var flushSeconds = 1.0
    /// For how long an event's id is known after it was received.
    var rememberSeconds = 86_400.0
    var onChange = OnSchemaChange.fail
    /// How many events were taken so far; each has its number.
    var accepted: Int64 = 0

    /// Beyond so many waiting events a stream takes no more, until versions can be made again.
    static let maximumBuffered = 1_000_000
    /// The most that go into one version.
    static let maximumVersionRows = 50_000
    /// Into the first version, whose types are found out by looking at all of its rows.
    static let maximumFirstRows = 20_000

    struct Key: Sendable, Hashable {
        let dataset: String
        let branch: String
    }

    var key: Key { Key(dataset: dataset, branch: branch) }

    /// - Throws: `invalid`, naming the field.
    func validated() throws -> EventStream {
        func require(_ holds: Bool, _ field: String, _ expected: String) throws {
            if !holds { throw SlipwayError.field(field, "is out of range", expected: expected) }
        }
        try require((1...Self.maximumVersionRows).contains(flushRows), "rows", "1 to \(Self.maximumVersionRows)")
        try require((0.05...86_400).contains(flushSeconds), "seconds", "0.05 to 86400")
        try require((60...31_536_000).contains(rememberSeconds), "rememberSeconds", "60 to 31536000")
        return self
    }
}

/// What waits in a stream's buffer.
struct EventBacklog: Sendable, Hashable {
    var events = 0
    /// When the oldest was received.
    var oldest: Timestamp?
}
