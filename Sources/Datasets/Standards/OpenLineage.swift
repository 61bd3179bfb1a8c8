import Core
import Database
import Ledger
import Platform
import Tables

/// The making of a version as an OpenLineage RunEvent (spec 2-0-2, openlineage.io): one COMPLETE event each.
struct OpenLineage {
    let namespace: String
    let event: Event
    let version: DatasetVersion
    let description: String
    let marks: [ColumnMark]
    let lineage: ColumnLineage?
    let owner: String?
    /// Versions that it was made of, with their columns.
    let parents: [DatasetVersion]
    /// Files and URLs that were read, as the recipe labels them.
    let files: [String]

    static let producer = "urn:slipway:datasets"
    private static let facets = "https://openlineage.io/spec/facets/"

    var json: JSONValue {
        var job: [String: JSONValue] = [
            "jobType": Self.facet(
                "2-0-4/JobTypeJobFacet",
                [
                    "processingType": "BATCH", "integration": "SLIPWAY",
                    "jobType": .string(version.recipe.kind.uppercased()),
                ])
        ]
        if let sql = version.recipe.details["sql"]?.stringValue {
            job["sql"] = Self.facet("1-1-0/SQLJobFacet", ["query": .string(sql), "dialect": "duckdb"])
        }
        if !version.message.isEmpty {
            job["documentation"] = Self.facet(
                "1-1-0/DocumentationJobFacet",
                ["description": .string(version.message), "contentType": "text/plain"])
        }
        return [
            "eventType": "COMPLETE", "eventTime": JSONValue(event.time), "producer": .string(Self.producer),
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": ["runId": .string(Self.uuid(event.id)), "facets": [:]],
            "job": [
                "namespace": .string(namespace), "name": .string("\(version.dataset).\(version.recipe.kind)"),
                "facets": .object(job),
            ],
            "inputs": .array(parents.map(input) + files.map(file)), "outputs": [output],
        ]
    }

    private func input(_ parent: DatasetVersion) -> JSONValue {
        [
            "namespace": .string(namespace), "name": .string(parent.dataset), "inputFacets": [:],
            "facets": [
                "version": Self.version(String(parent.number)), "schema": Self.schema(parent.columns, []),
                "dataSource": dataSource,
            ],
        ]
    }

    private func file(_ label: String) -> JSONValue {
        let place = DatasetsService.withoutDigest(label)
        let (space, name) = Self.name(ofFile: place) ?? (namespace, place)
        var facets: [String: JSONValue] = [
            "dataSource": Self.facet(
                "1-0-1/DatasourceDatasetFacet", ["name": .string(space), "uri": .string(Self.uri(place))])
        ]
        if place != label { facets["version"] = Self.version(String(label.dropFirst(place.count + 1))) }
        return [
            "namespace": .string(space), "name": .string(name), "inputFacets": [:], "facets": .object(facets),
        ]
    }

    private var output: JSONValue {
        var facets: [String: JSONValue] = [
            "version": Self.version(String(version.number)), "schema": Self.schema(version.columns, marks),
            "dataSource": dataSource,
        ]
        if !description.isEmpty {
            facets["documentation"] = Self.facet(
                "1-1-0/DocumentationDatasetFacet",
                ["description": .string(description), "contentType": "text/plain"])
        }
        if let owner {
            facets["ownership"] = Self.facet(
                "1-0-1/OwnershipDatasetFacet", ["owners": [["name": .string("user:\(owner)"), "type": "OWNER"]]])
        }
        if let lineage { facets["columnLineage"] = columnLineage(lineage) }
        let personal = marks.filter { mark in
            mark.pii ?? .none > .none && version.columns.contains { $0.name == mark.name }
        }
        if !personal.isEmpty {
            facets["tags"] = Self.facet(
                "1-0-0/TagsDatasetFacet",
                [
                    "tags": .array(
                        personal.map {
                            [
                                "key": "pii", "value": .string($0.pii?.rawValue ?? ""), "source": "SLIPWAY",
                                "field": .string($0.name),
                            ]
                        })
                ])
        }
        return [
            "namespace": .string(namespace), "name": .string(version.dataset), "facets": .object(facets),
            "outputFacets": [
                "outputStatistics": Self.facet(
                    "1-0-2/OutputStatisticsOutputDatasetFacet",
                    [
                        "rowCount": .int(version.rowCount), "size": .int(version.sizeBytes),
                        "fileCount": JSONValue(version.fileCount),
                    ])
            ],
        ]
    }

    private func columnLineage(_ lineage: ColumnLineage) -> JSONValue {
        var fields: [String: JSONValue] = [:]
        for column in lineage.columns where !column.sources.isEmpty {
            fields[column.name] = [
                "inputFields": .array(
                    column.sources.map { source in
                        [
                            "namespace": .string(namespace), "name": .string(source.ref.name),
                            "field": .string(source.column),
                            "transformations": [
                                [
                                    "type": "DIRECT", "subtype": .string(source.kind.rawValue.uppercased()),
                                    "description": "", "masking": false,
                                ]
                            ],
                        ]
                    })
            ]
        }
        return Self.facet("1-2-0/ColumnLineageDatasetFacet", ["fields": .object(fields)])
    }

    private var dataSource: JSONValue {
        Self.facet("1-0-1/DatasourceDatasetFacet", ["name": .string(namespace), "uri": .string(namespace)])
    }

    // MARK: Parts

    private static func facet(_ schema: String, _ fields: [String: JSONValue]) -> JSONValue {
        let name = schema.split(separator: "/").last.map(String.init) ?? ""
        return .object(
            fields.merging([
                "_producer": .string(producer), "_schemaURL": .string("\(facets)\(schema).json#/$defs/\(name)"),
            ]) { first, _ in first })
    }

    private static func version(_ text: String) -> JSONValue {
        facet("1-0-1/DatasetVersionDatasetFacet", ["datasetVersion": .string(text)])
    }

    private static func schema(_ columns: [TableColumn], _ marks: [ColumnMark]) -> JSONValue {
        facet(
            "1-2-0/SchemaDatasetFacet",
            [
                "fields": .array(
                    columns.enumerated().map { index, column in
                        var field: [String: JSONValue] = [
                            "name": .string(column.name), "type": .string(column.type),
                            "ordinal_position": JSONValue(index + 1),
                        ]
                        let text = marks.first { $0.name == column.name }?.description ?? ""
                        if !text.isEmpty { field["description"] = .string(text) }
                        return .object(field)
                    })
            ])
    }

    /// The names that OpenLineage's naming convention gives to files, S3 objects and databases.
    static func name(ofFile place: String) -> (namespace: String, name: String)? {
        if place.hasPrefix("/") { return ("file", place) }
        guard let scheme = place.ranges(of: "://").first else { return nil }
        let kind = String(place[..<scheme.lowerBound])
        let rest = place[scheme.upperBound...].prefix { $0 != "?" }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var host = String(rest[..<slash])
        if let at = host.lastIndex(of: "@") { host = String(host[host.index(after: at)...]) }
        let path = String(rest[slash...])
        switch kind {
        case "postgres", "postgresql": return ("postgres://\(host)", String(path.dropFirst()))
        case "s3": return ("s3://\(host)", String(path.dropFirst()))
        default: return ("\(kind)://\(host)", path.isEmpty ? "/" : path)
        }
    }

    private static func uri(_ place: String) -> String {
        guard let (space, name) = name(ofFile: place) else { return place }
        return space == "file" ? "file://\(name)" : "\(space)\(name.hasPrefix("/") ? "" : "/")\(name)"
    }

    /// 32 hexadecimal digits in the form of a UUID.
    static func uuid(_ id: String) -> String {
        var text = ""
        for (index, character) in id.enumerated() {
            if [8, 12, 16, 20].contains(index) { text += "-" }
            text.append(character)
        }
        return text
    }
}

extension DatasetsService {
    static let versionCreated = "dataset.version.created"
    static let openLineagePage = 100

    /// What was made after a place in the ledger, oldest first.
    ///
    /// - Returns: the events, the place of the last one looked at, and whether there are more.
    public func openLineage(
        after sequence: Int64, limit: Int, namespace: String, as principal: Principal
    ) async throws -> (events: [JSONValue], last: Int64, more: Bool) {
        let found = try await platform.ledger.events(after: sequence, .init(type: Self.versionCreated), limit: limit)
        var events: [JSONValue] = []
        for event in found where principal.may(.readDatasets, in: event.project) {
            if let made = try await openLineage(event, namespace: namespace) { events.append(made) }
        }
        return (events, found.last?.sequence ?? sequence, found.count == limit)
    }

    /// nil when the version is not there any more.
    func openLineage(_ event: Event, namespace: String) async throws -> JSONValue? {
        guard let number = event.subject.version else { return nil }
        let edges = try await platform.ledger.lineage(of: event.subject, .upstream, depth: 1).map(\.source)
        return try await platform.database.read { [store] db in
            guard let version = try store.version(db, event.subject.name, .number(number)),
                let dataset = try store.dataset(db, version.dataset)
            else { return nil }
            let parents = try edges.filter { $0.kind == .dataset && $0.version != nil }.compactMap { ref in
                try ref.version.flatMap { try store.version(db, ref.name, .number($0)) }
            }
            return OpenLineage(
                namespace: namespace, event: event, version: version, description: dataset.description,
                marks: try store.marks(db, dataset.name), lineage: try store.lineage(db, version),
                owner: try store.contract(db, dataset.name, nil)?.contract.owner, parents: parents,
                files: edges.filter { $0.kind == .file }.map(\.name)
            ).json
        }
    }
}
