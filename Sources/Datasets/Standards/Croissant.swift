import Core
import Tables

/// A version in Croissant 1.1 (http://mlcommons.org/croissant/1.1): JSON-LD on schema.org's Dataset, with the fields of
/// RAI 1.0 that the record has and what it was made of in PROV-O.
struct Croissant {
    let version: DatasetVersion
    let dataset: Dataset
    let record: DatasetRecord
    let marks: [ColumnMark]
    let owner: String?
    let parents: [Ref]
    /// Where this server is reached, `http://127.0.0.1:5000`.
    let server: String
    /// The one Parquet file with all rows (of files: what is said about each).
    let table: (digest: Digest, sizeBytes: Int64)
    /// Of a dataset of files: all of them in one tar.
    let archive: (digest: Digest, sizeBytes: Int64)?

    static let versions = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/1.0"]
    static let parquet = "application/x-parquet"

    var json: JSONValue {
        let place = "\(server)/api/v1/datasets/\(dataset.name)"
        var fields: [String: JSONValue] = [
            "@context": Self.context, "@type": "sc:Dataset", "@id": .string(version.ref.description),
            "name": .string(dataset.name), "conformsTo": .string(Self.versions[0]),
            "description": .string(
                dataset.description.isEmpty
                    ? "The dataset \(dataset.name) of the project \(dataset.project)." : dataset.description),
            "url": .string(record.facts.url ?? place), "version": .string("\(version.number).0.0"),
            "datePublished": JSONValue(version.created), "dateModified": JSONValue(version.created),
            "isLiveDataset": false, "sdVersion": .string(version.digest.hex),
            "creator": .array(
                (record.facts.creators.isEmpty ? [owner ?? version.author] : record.facts.creators).map {
                    ["@type": "sc:Person", "name": .string($0)]
                }),
            "distribution": .array(distribution(place)), "recordSet": .array(recordSets),
        ]
        if let license = record.facts.license { fields["license"] = .string(Self.licenseURL(license)) }
        if let citation = record.facts.citation { fields["citeAs"] = .string(citation) }
        if !record.facts.keywords.isEmpty { fields["keywords"] = JSONValue(record.facts.keywords) }
        for (key, value) in record.facts.responsible { fields["rai:\(key)"] = .string(value) }
        let personal = marks.filter { $0.pii ?? .none > .none && version.columns.map(\.name).contains($0.name) }
        if !personal.isEmpty {
            let own = record.facts.responsible["personalSensitiveInformation"].map { [$0] } ?? []
            fields["rai:personalSensitiveInformation"] = JSONValue(
                own
                    + personal.map {
                        "The column \($0.name) is \($0.pii?.rawValue ?? "")\($0.kind.map { " (\($0))" } ?? "") personal data."
                    })
        }
        if !parents.isEmpty {
            fields["prov:wasDerivedFrom"] = .array(parents.map { ["@id": .string($0.description)] })
        }
        return .object(fields)
    }

    private func distribution(_ place: String) -> [JSONValue] {
        let base = "\(place)/versions/\(version.number)"
        func object(_ name: String, _ type: String, _ content: (digest: Digest, sizeBytes: Int64)) -> JSONValue {
            [
                "@type": "cr:FileObject", "@id": .string(name), "name": .string(name),
                "contentUrl": .string("\(base)/\(name)"), "encodingFormat": .string(type),
                "contentSize": .string("\(content.sizeBytes) B"), "sha256": .string(content.digest.hex),
            ]
        }
        var items = [object(Self.tableName, Self.parquet, table)]
        if let archive {
            items.append(object(Self.archiveName, "application/x-tar", archive))
            items.append([
                "@type": "cr:FileSet", "@id": .string(Self.fileSetName), "name": .string(Self.fileSetName),
                "containedIn": ["@id": .string(Self.archiveName)],
                "encodingFormat": "application/octet-stream", "includes": "files/*",
            ])
        }
        return items
    }

    static let tableName = "table.parquet"
    static let archiveName = "files.tar"
    /// Identifiers are unique in a document, so the file set's is not that of the record set over it.
    static let fileSetName = "archived-files"

    /// Identifiers of the columns' fields: `@id` holds no white space, and no other field's.
    private var fieldIDs: [String: String] {
        var taken: Set<String> = []
        var ids: [String: String] = [:]
        for column in version.columns {
            let name = String(column.name.map { $0.isWhitespace ? "_" : $0 })
            var id = "rows/\(name)"
            // As it is if it can be; columns whose names have white space give way to those that have none.
            while taken.contains(id) || (name != column.name && version.columns.contains { "rows/\($0.name)" == id }) {
                id += "_"
            }
            taken.insert(id)
            ids[column.name] = id
        }
        return ids
    }

    private var recordSets: [JSONValue] {
        let ids = fieldIDs
        let descriptions = Dictionary(marks.map { ($0.name, $0) }) { first, _ in first }
        var rows: [String: JSONValue] = [
            "@type": "cr:RecordSet", "@id": "rows", "name": "rows",
            "description": .string("\(version.rowCount) rows."),
            "field": .array(
                version.columns.map { column in
                    let (type, isList) = Self.dataType(column.type)
                    var field: [String: JSONValue] = [
                        "@type": "cr:Field", "@id": JSONValue(ids[column.name]), "name": .string(column.name),
                        "dataType": .string(type),
                        "source": [
                            "fileObject": ["@id": .string(Self.tableName)], "extract": ["column": .string(column.name)],
                        ],
                    ]
                    if isList { (field["isArray"], field["arrayShape"]) = (true, "-1") }
                    if let mark = descriptions[column.name] {
                        let text = [mark.description, mark.unit.map { "Unit: \($0)." } ?? ""].filter { !$0.isEmpty }
                        if !text.isEmpty { field["description"] = .string(text.joined(separator: " ")) }
                    }
                    return .object(field)
                }),
        ]
        let known = Set(version.columns.map(\.name))
        let key = dataset.key.filter(known.contains)
        if !key.isEmpty { rows["key"] = .array(key.map { ["@id": JSONValue(ids[$0])] }) }
        guard archive != nil else { return [.object(rows)] }
        func file(_ name: String, _ property: String, _ type: String) -> JSONValue {
            [
                "@type": "cr:Field", "@id": .string("files/\(name)"), "name": .string(name),
                "dataType": .string(type),
                "source": [
                    "fileSet": ["@id": .string(Self.fileSetName)], "extract": ["fileProperty": .string(property)],
                ],
            ]
        }
        return [
            .object(rows),
            [
                "@type": "cr:RecordSet", "@id": "files", "name": "files",
                "field": [file("path", "fullpath", "sc:Text"), file("content", "content", "sc:Text")],
            ],
        ]
    }

    /// Croissant's name of DuckDB's type; what has none is text.
    static func dataType(_ type: String) -> (name: String, isList: Bool) {
        if type.hasSuffix("[]") { return (dataType(String(type.dropLast(2))).name, true) }
        let names = [
            "TINYINT": "cr:Int8", "SMALLINT": "cr:Int16", "INTEGER": "cr:Int32", "BIGINT": "cr:Int64",
            "UTINYINT": "cr:UInt8", "USMALLINT": "cr:UInt16", "UINTEGER": "cr:UInt32", "UBIGINT": "cr:UInt64",
            "HUGEINT": "sc:Integer", "FLOAT": "cr:Float32", "DOUBLE": "cr:Float64", "BOOLEAN": "sc:Boolean",
            "DATE": "sc:Date", "TIME": "sc:Time",
        ]
        if let name = names[type] { return (name, false) }
        if type.hasPrefix("DECIMAL(") { return ("sc:Float", false) }
        if type.hasPrefix("TIMESTAMP") { return ("sc:DateTime", false) }
        return ("sc:Text", false)
    }

    /// Croissant wants a URL; SPDX has one for each of its identifiers.
    static func licenseURL(_ license: String) -> String {
        let isIdentifier = license.utf8.allSatisfy {
            ($0 | 32) >= 97 && ($0 | 32) <= 122 || $0 >= 48 && $0 <= 57 || $0 == 45 || $0 == 46
        }
        return isIdentifier ? "https://spdx.org/licenses/\(license)" : license
    }

    /// The context that the specification prints (Croissant 1.1, "Appendix: JSON-LD context"), and PROV-O's prefix.
    static let context: JSONValue = {
        var context: [String: JSONValue] = [
            "@language": "en", "@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/",
            "dct": "http://purl.org/dc/terms/", "rai": "http://mlcommons.org/croissant/RAI/",
            "sc": "https://schema.org/", "prov": "http://www.w3.org/ns/prov#", "conformsTo": "dct:conformsTo",
            "data": ["@id": "cr:data", "@type": "@json"], "examples": ["@id": "cr:examples", "@type": "@json"],
            "dataType": ["@id": "cr:dataType", "@type": "@vocab"], "name": ["@container": "@language"],
            "description": ["@container": "@language"],
        ]
        for name in [
            "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject",
            "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
            "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate",
            "separator", "source", "subField", "transform",
        ] { context[name] = .string("cr:\(name)") }
        return .object(context)
    }()

}
