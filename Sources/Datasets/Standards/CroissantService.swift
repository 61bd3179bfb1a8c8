import Core
import Database
import Ledger
import Objects
import Platform
import Tables
import Transport
import Web

extension DatasetsService {
    // MARK: Out

    /// A version in Croissant 1.1. The first time, the version's one Parquet file is made if it has several, and the tar of
    /// a dataset of files is read once for its digest.
    ///
    /// - Parameter server: where this server is reached; the addresses of the files begin with it.
    public func croissant(_ ref: Ref, server: String, as principal: Principal) async throws -> JSONValue {
        let version = try await resolve(ref, as: principal)
        let dataset = try await dataset(version.dataset, as: principal)
        let (record, marks, contract) = try await platform.database.read { [store] db in
            (
                try store.record(db, dataset.name) ?? DatasetRecord(), try store.marks(db, dataset.name),
                try store.contract(db, dataset.name, nil)
            )
        }
        let edges = try await platform.ledger.lineage(of: version.ref, .upstream, depth: 1)
        return Croissant(
            version: version, dataset: dataset, record: record, marks: marks, owner: contract?.contract.owner,
            parents: edges.map(\.source).sorted(), server: server, table: try await wholeTable(version),
            archive: version.kind == .files ? try await archive(version) : nil
        ).json
    }

    /// All rows of a version in one Parquet file, which is kept: an object of its own where there are several files.
    func wholeTable(_ version: DatasetVersion) async throws -> (digest: Digest, sizeBytes: Int64) {
        if version.kind == .table {
            let files = try await files(of: version)
            if files.count == 1 { return (files[0].digest, files[0].sizeBytes) }
        }
        let known = try await export(version, Croissant.tableName)
        if let known, try await platform.objects.info(known.digest) != nil { return known }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let path = folder + "/table.parquet"
        _ = try await platform.tables.write(
            "SELECT * FROM data", parameters: [], inputs: [try await input(version, name: "data")], to: path,
            timeoutSeconds: Self.writeSeconds)
        let object = try await platform.objects.put(file: path, move: true)
        let now = platform.clock.now()
        return try await platform.database.write { [store] db in
            // Somebody else may have made it meanwhile, with other bytes; one of them stays.
            if let other = try store.export(db, version, Croissant.tableName), other.digest != known?.digest {
                return other
            }
            let manifest = try Manifests.create(db, owner: version.ref, at: now)
            try Manifests.setMany(
                db, manifest, [(try RelativePath(parsing: Croissant.tableName), object)], at: now)
            try store.setExport(db, version, Croissant.tableName, object.digest, object.sizeBytes)
            return (object.digest, object.sizeBytes)
        }
    }

    /// The tar of a version's files; its digest is worked out once.
    func archive(_ version: DatasetVersion) async throws -> (digest: Digest, sizeBytes: Int64) {
        if let known = try await export(version, Croissant.archiveName) { return known }
        let hasher = Hasher256()
        var size: Int64 = 0
        try await writeArchive(version) { bytes in
            size += Int64(bytes.count)
            bytes.withUnsafeBytes { hasher.update($0) }
        }
        let (digest, total) = (hasher.finalize(), size)
        try await platform.database.write { [store] db in
            try store.setExport(db, version, Croissant.archiveName, digest, total)
        }
        return (digest, total)
    }

    /// Hands over a version's files as a tar, in the folder `files/`.
    func writeArchive(_ version: DatasetVersion, _ write: ([UInt8]) async throws -> Void) async throws {
        for entry in try await entries(of: version) where !FilesTree.isReserved(entry.path) {
            try await write(TarStream.header(path: "files/" + entry.path, sizeBytes: entry.object.sizeBytes))
            for try await piece in platform.objects.stream(entry) { try await write(piece) }
            try await write(TarStream.padding(entry.object.sizeBytes))
        }
        try await write(TarStream.end)
    }

    private func export(_ version: DatasetVersion, _ name: String) async throws -> (
        digest: Digest, sizeBytes: Int64
    )? {
        try await platform.database.read { [store] in try store.export($0, version, name) }
    }

    // MARK: In

    /// Reads the rows that a Croissant document describes into a version, and its facts into the record where there are
    /// none yet. A file whose sha256 is in the object store is taken from there; others are fetched under the rules for
    /// sources, and refused when their digest is another.
    public func importCroissant(
        _ dataset: String, project: String, document: JSONValue, recordSet: String?, message: String,
        branch: String = Dataset.mainBranch, as principal: Principal
    ) async throws -> (version: DatasetVersion, isNew: Bool) {
        // Fetching is what sources do.
        try principal.require(.manageSources, in: project)
        try principal.require(.writeDatasets, in: project)
        try Name.validate(dataset, field: "dataset")
        if let owner = try await owner(of: dataset), owner != project { throw belongsElsewhere(dataset) }
        let croissant = try CroissantDocument(document, recordSet: recordSet)
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let (table, list, label) = try await table(of: croissant, project: project, in: folder)
        let recipe = Recipe(
            kind: "import", inputs: [label],
            details: [
                "croissant": .string(croissant.name), "recordSet": .string(croissant.recordSet),
                "document": .string(Digest.of(document.canonicalText).hex),
            ])
        if let newest = try await newest(dataset, branch), newest.recipe.digest == recipe.digest {
            return (newest, false)
        }
        let path = folder + "/part.parquet"
        let part = try await platform.tables.write(
            "SELECT \(list) FROM data", parameters: [], inputs: [table], to: path, timeoutSeconds: Self.writeSeconds)
        let made = try await commit(
            Commit(
                dataset: dataset, project: project, branch: branch, parts: [(path, part)], recipe: recipe,
                parents: [Ref(.file, label)],
                message: message.isEmpty ? "import the Croissant \(croissant.name)" : message), as: principal)
        try await keep(croissant, of: made.version, as: principal)
        return made
    }

    /// The table of the rows, what to select of it, and where it is from.
    private func table(
        of croissant: CroissantDocument, project: String, in folder: String
    ) async throws -> (TableInput, list: String, label: String) {
        func list(_ fields: [CroissantDocument.Field], typed: Bool) -> String {
            fields.map { field in
                let column = DuckSQL.name(field.column)
                let type = typed ? CroissantDocument.columnType(field.type) : nil
                return "\(type.map { "CAST(\(column) AS \($0))" } ?? column) AS \(DuckSQL.name(field.name))"
            }.joined(separator: ", ")
        }
        switch croissant.rows {
        case .inline(let rows, let fields):
            guard !rows.isEmpty else { throw SlipwayError.field("data", "has no records") }
            // Records name their fields by id, `set/field`.
            let lines = try rows.enumerated().map { index, row -> String in
                guard case .object(let values) = row else {
                    throw SlipwayError.field("data[\(index)]", "is \(row.kindName)", expected: "an object")
                }
                let named = values.map { key, value in
                    (fields.first { key == $0.name || key.hasSuffix("/" + $0.name) }?.column ?? key, value)
                }
                return JSONValue.object(Dictionary(named) { first, _ in first }).canonicalText
            }
            let path = folder + "/data.ndjson"
            let object = try await platform.objects.put(Array(lines.joined(separator: "\n").utf8))
            try LocalFile.place(try await platform.objects.localPath(object.digest), at: path, linking: true)
            let label = "croissant.ndjson#sha256:\(object.digest.hex)"
            return (
                TableInput(name: "data", files: [path], labels: [label], format: .json), list(fields, typed: true),
                label
            )
        case .file(let file, let fields):
            let (path, digest) = try await fetch(file, project: project, in: folder)
            let label = "\(file.url)#sha256:\(digest.hex)"
            var table = TableInput(name: "data", files: [path], labels: [label], format: file.format)
            if file.isTabs { table.delimiter = "\t" }
            return (table, list(fields, typed: file.format != .parquet), label)
        }
    }

    private func fetch(
        _ file: CroissantDocument.File, project: String, in folder: String
    ) async throws -> (path: String, digest: Digest) {
        if let digest = file.sha256, try await platform.objects.info(digest) != nil {
            return (try await platform.objects.localPath(digest), digest)
        }
        guard file.url.hasPrefix("http://") || file.url.hasPrefix("https://") else {
            throw SlipwayError.field(
                "distribution", "'\(file.id)' is at '\(file.url.prefix(120))', and no object has its sha256",
                expected: "an http or https URL, or a file that was uploaded before")
        }
        let path = folder + "/download"
        let response = try await platform.http.download(try await outboundRequest("GET", file.url, project), to: path)
        guard response.isSuccess else {
            throw SlipwayError(
                .unavailable, "\(response.url) answered \(response.status).",
                details: ["status": String(response.status)])
        }
        let found = try await digest(ofFile: path)
        if let wanted = file.sha256, wanted != found {
            throw SlipwayError(
                .invalid,
                "\(response.url) has the SHA-256 \(found.hex), not \(wanted.hex) as the document says. The file was changed or cut off.",
                details: ["expected": wanted.hex, "found": found.hex])
        }
        return (path, found)
    }

    /// A request to an address that a user gave, under the rules for sources.
    func outboundRequest(_ method: String, _ url: String, _ project: String?) async throws -> HTTPRequest {
        var request = HTTPRequest(method: method, url: url, timeoutSeconds: nil)
        try await outbound(project).apply(to: &request)
        return request
    }

    private func keep(_ croissant: CroissantDocument, of version: DatasetVersion, as principal: Principal) async throws
    {
        let descriptions: [(String, String)] =
            switch croissant.rows {
            case .file(_, let fields), .inline(_, let fields):
                fields.compactMap { field in field.description.map { (field.name, $0) } }
            }
        try await platform.database.write { [store] db in
            guard let dataset = try store.dataset(db, version.dataset) else { return }
            let key = dataset.key.isEmpty && !croissant.key.isEmpty ? croissant.key : nil
            let description =
                dataset.description.isEmpty && !croissant.description.isEmpty ? croissant.description : nil
            try store.update(db, dataset.name, key: key, description: description)
            if try store.record(db, dataset.name).map({ $0.facts == DatasetFacts() }) ?? true {
                var record = try store.record(db, dataset.name) ?? DatasetRecord()
                (record.facts, record.author, record.updated) = (croissant.facts, principal.name, version.created)
                try store.setRecord(db, dataset.name, record)
            }
            let known = try store.marks(db, dataset.name).map(\.name)
            for (name, text) in descriptions where !known.contains(name) {
                try store.setMark(
                    db,
                    ColumnMark(
                        dataset: dataset.name, name: name, pii: nil, kind: nil,
                        description: String(text.prefix(2000)), unit: nil, basis: .person, origin: "",
                        author: principal.name, updated: version.created))
            }
        }
    }
}

extension DatasetsStore {
    func export(_ db: any Transaction, _ version: DatasetVersion, _ name: String) throws -> (
        digest: Digest, sizeBytes: Int64
    )? {
        try db.one(
            "SELECT digest, size_bytes FROM dataset_export WHERE dataset = \(version.dataset) AND number = \(version.number) AND name = \(name)"
        ) { (try $0.digest(0), try $0.int(1)) }
    }

    func setExport(
        _ db: any Transaction, _ version: DatasetVersion, _ name: String, _ digest: Digest, _ sizeBytes: Int64
    ) throws {
        try db.execute(
            """
            INSERT INTO dataset_export (dataset, number, name, digest, size_bytes)
            VALUES (\(version.dataset), \(version.number), \(name), \(digest), \(sizeBytes))
            ON CONFLICT (dataset, number, name) DO UPDATE SET digest = excluded.digest, size_bytes = excluded.size_bytes
            """)
    }
}
