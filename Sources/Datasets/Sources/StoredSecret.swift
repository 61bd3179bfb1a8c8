import Core

/// A secret of a project as it is shown: its name, never its value.
struct StoredSecret: Sendable, Hashable {
    let project: String
    let name: String
    let author: String
    let created: Timestamp

    static let maximumBytes = 64 * 1024

    var json: JSONValue {
        [
            "name": .string(name), "project": .string(project), "author": .string(author),
            "created": JSONValue(created),
        ]
    }
}
