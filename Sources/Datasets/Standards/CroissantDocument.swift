import Core
import Tables

/// A Croissant document that somebody sends: what of it can be read into a dataset.
struct CroissantDocument: Sendable {
    /// A file that holds rows.
    struct File: Sendable {
        let id: String
        let url: String
        let sha256: Digest?
        let format: TableInput.Format
        let isTabs: Bool
    }

    struct Field: Sendable {
        let name: String
        let column: String
        /// Croissant's type, such as `sc:Text`.
        let type: String?
        let description: String?
    }

    enum Rows: Sendable {
        case file(File, [Field])
        /// Records written into the document itself.
        case inline([JSONValue], [Field])
    }

    let name: String
    let description: String
    let facts: DatasetFacts
    let recordSet: String
    let key: [String]
    let rows: Rows

    static let maximumBytes = 16 << 20

    /// - Parameter wanted: the record set, by its id or name; may be nil where there is one.
    /// - Throws: `invalid` for what is no Croissant 1.0 or 1.1, `unsupported` for what is not read here.
    init(_ json: JSONValue, recordSet wanted: String?) throws {
        let fields = try JSONFields(json)
        let conforms = Self.list(json["conformsTo"] ?? json["dct:conformsTo"]).compactMap(Self.id)
        guard conforms.contains(where: Croissant.versions.contains) else {
            throw SlipwayError.field(
                "conformsTo", "is \(conforms.isEmpty ? "missing" : "'\(conforms[0].prefix(100))'")",
                expected: Croissant.versions.joined(separator: " or "))
        }
        name = Self.text(json["name"]) ?? ""
        description = Self.text(json["description"]) ?? ""
        facts = Self.facts(json)
        let sets = try fields.array("recordSet")
        let names = sets.map { Self.text($0["name"]) ?? Self.id($0) ?? "" }
        let chosen: JSONValue
        if let wanted {
            guard let found = sets.first(where: { Self.id($0) == wanted || Self.text($0["name"]) == wanted }) else {
                throw SlipwayError.field(
                    "recordSet", "'\(wanted.prefix(80))' is not there\(NearestName.hint(wanted, in: names))",
                    expected: "one of \(names.joined(separator: ", "))")
            }
            chosen = found
        } else {
            guard sets.count == 1 else {
                throw SlipwayError.field(
                    "recordSet",
                    sets.isEmpty ? "is missing: the document says nothing of rows" : "is needed: there are several",
                    expected: sets.isEmpty ? nil : "one of \(names.joined(separator: ", "))")
            }
            chosen = sets[0]
        }
        recordSet = Self.text(chosen["name"]) ?? Self.id(chosen) ?? ""
        let set = Self.id(chosen) ?? recordSet
        let items = Self.list(chosen["field"])
        guard !items.isEmpty else { throw SlipwayError.field("recordSet", "'\(recordSet)' has no fields") }
        let parsed = try items.map { try Self.field($0, in: set) }
        let byID = Dictionary(items.enumerated().map { (Self.id($1) ?? "", parsed[$0].field.name) }) { a, _ in a }
        key = Self.list(chosen["key"]).compactMap { Self.id($0).flatMap { byID[$0] } }
        if let data = chosen["data"]?.arrayValue {
            rows = .inline(data, parsed.map(\.field))
            return
        }
        let files = Set(parsed.map(\.file))
        guard files.count == 1, let source = files.first ?? nil else {
            throw SlipwayError(
                .unsupported,
                "The fields of the record set '\(recordSet)' come from \(files.count == 1 ? "no file" : "several files"), which is not read here. Import each file, and join them with derive."
            )
        }
        let distribution = Self.list(json["distribution"])
        guard let object = distribution.first(where: { Self.id($0) == source || Self.text($0["name"]) == source })
        else { throw SlipwayError.field("distribution", "has no '\(source.prefix(80))', which the fields name") }
        rows = .file(try Self.file(object, source), parsed.map(\.field))
    }

    // MARK: Parts

    private static func file(_ object: JSONValue, _ id: String) throws -> File {
        let kind = list(object["@type"]).compactMap(\.stringValue)
        guard kind.contains(where: { $0.hasSuffix("FileObject") }), object["containedIn"] == nil else {
            throw SlipwayError(
                .unsupported,
                "'\(id)' is a set of files or lies in an archive; only single files of rows are read here. Unpack it and import the file."
            )
        }
        guard let url = text(object["contentUrl"]) else {
            throw SlipwayError.field("distribution", "'\(id)' has no contentUrl")
        }
        let types = list(object["encodingFormat"]).compactMap(\.stringValue).map { $0.lowercased() }
        let known: [(String, TableInput.Format)] = [
            ("application/x-parquet", .parquet), ("application/vnd.apache.parquet", .parquet), ("text/csv", .csv),
            ("text/tab-separated-values", .csv), ("application/json", .json), ("application/jsonlines", .json),
            ("application/x-ndjson", .json),
        ]
        guard let found = known.first(where: { types.contains($0.0) }) else {
            throw SlipwayError(
                .unsupported,
                "'\(id)' is \(types.first ?? "of no encodingFormat"), which is not read here; expected one of \(known.map(\.0).joined(separator: ", "))."
            )
        }
        let digest = try text(object["sha256"]).map { text in
            guard let digest = try? Digest(parsing: text) else {
                throw SlipwayError.field("distribution", "the sha256 of '\(id)' is not 64 hexadecimal digits")
            }
            return digest
        }
        return File(id: id, url: url, sha256: digest, format: found.1, isTabs: found.0.hasPrefix("text/tab"))
    }

    private static func field(_ json: JSONValue, in set: String) throws -> (field: Field, file: String?) {
        var name = text(json["name"]) ?? id(json) ?? ""
        // Croissant 1.0 also writes names as `set/field`.
        if name.hasPrefix(set + "/") { name = String(name.dropFirst(set.count + 1)) }
        guard !name.isEmpty else { throw SlipwayError.field("recordSet", "has a field without a name") }
        for key in ["subField", "parentField"] where json[key] != nil {
            throw SlipwayError(.unsupported, "The field '\(name)' has a \(key), which is not read here.")
        }
        let source = json["source"]
        if source?["transform"] != nil || source?["format"] != nil {
            throw SlipwayError(.unsupported, "The field '\(name)' is transformed, which is not done here.")
        }
        let file = source.flatMap { source in
            ["fileObject", "distribution", "fileSet"].compactMap { source[$0].flatMap(Self.id) }.first
        }
        let extract = source?["extract"]
        if extract?["jsonPath"] != nil || extract?["fileProperty"] != nil {
            throw SlipwayError(.unsupported, "The field '\(name)' is not a column of its file, which is not read here.")
        }
        let type = list(json["dataType"]).compactMap { $0.stringValue ?? id($0) }.first
        return (
            Field(
                name: name, column: text(extract?["column"]) ?? name, type: type, description: text(json["description"])
            ), file
        )
    }

    /// DuckDB's type of Croissant's, for what has no types of its own.
    static func columnType(_ type: String?) -> String? {
        var name = type ?? ""
        for prefix in ["https://schema.org/", "http://mlcommons.org/croissant/"] where name.hasPrefix(prefix) {
            name = String(name.dropFirst(prefix.count))
        }
        if let colon = name.firstIndex(of: ":") { name = String(name[name.index(after: colon)...]) }
        return [
            "Text": "VARCHAR", "URL": "VARCHAR", "Integer": "BIGINT", "Int8": "TINYINT", "Int16": "SMALLINT",
            "Int32": "INTEGER", "Int64": "BIGINT", "UInt8": "UTINYINT", "UInt16": "USMALLINT", "UInt32": "UINTEGER",
            "UInt64": "UBIGINT", "Float": "DOUBLE", "Number": "DOUBLE", "Float16": "FLOAT", "Float32": "FLOAT",
            "Float64": "DOUBLE", "Boolean": "BOOLEAN", "Date": "DATE", "DateTime": "TIMESTAMP", "Time": "TIME",
        ][name]
    }

    private static func facts(_ json: JSONValue) -> DatasetFacts {
        var facts = DatasetFacts()
        func short(_ key: String) -> String? { text(json[key]).map { String($0.prefix(5000)) } }
        facts.license = list(json["license"]).compactMap { text($0) ?? id($0) }.first
        facts.citation = short("citeAs") ?? short("citation")
        facts.url = short("url")
        facts.creators = list(json["creator"]).compactMap { text($0["name"]) ?? text($0) }
        facts.keywords = list(json["keywords"]).compactMap { text($0) }
        for field in DatasetFacts.responsibleFields {
            let values = list(json["rai:\(field)"]).compactMap { text($0) }
            if !values.isEmpty { facts.responsible[field] = values.joined(separator: "\n") }
        }
        return facts
    }

    private static func list(_ value: JSONValue?) -> [JSONValue] {
        switch value {
        case nil, .null?: []
        case .array(let items)?: items
        case let other?: [other]
        }
    }

    /// Text, as it is or in the first of its languages.
    private static func text(_ value: JSONValue?) -> String? {
        switch value {
        case .string(let text)?: text
        case .object(let fields)? where fields["@id"] == nil:
            fields["@value"]?.stringValue ?? (fields["en"] ?? fields.min { $0.key < $1.key }?.value)?.stringValue
        default: nil
        }
    }

    private static func id(_ value: JSONValue) -> String? { value["@id"]?.stringValue ?? value.stringValue }
}
