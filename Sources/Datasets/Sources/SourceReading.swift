import Core
import Database
import Objects
import Platform
import Tables
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What was read from a source, and how to know it again.
struct Fetched {
    /// Files on this machine; the label names where they came from, with the digest of what was read.
    let files: [(path: String, label: String)]
    /// For the source's record, to be handed to the next reading: ETags, digests, the last value.
    let seen: JSONValue
    /// For the version's record: how exactly it was read.
    let read: JSONValue
    /// Of databases: the range of rows, which is part of what makes the version.
    var range: JSONValue?
    var nativeFormat: TableInput.Format?

    /// The format that the source does not say: from the name.
    func format(_ source: Source) throws -> TableInput.Format {
        if let nativeFormat { return nativeFormat }
        var name = (files.first?.label ?? "")[...]
        if let end = name.lastIndex(of: "#") { name = name[..<end] }
        if source.kind == .http, let query = name.firstIndex(of: "?") { name = name[..<query] }
        name = name.lowercased()[...]
        for (ending, format) in [
            (".parquet", TableInput.Format.parquet), (".csv", .csv), (".csv.gz", .csv), (".tsv", .csv), (".txt", .csv),
            (".json", .json), (".ndjson", .json), (".jsonl", .json),
        ] where name.hasSuffix(ending) { return format }
        throw SlipwayError.field(
            "format", "cannot be told from '\(name.suffix(80))'", expected: "one of parquet, csv, json")
    }
}

extension DatasetsService {
    /// Reads a source.
    ///
    /// - Parameters:
    ///   - before: what was seen the last time, if that is in the dataset; what is unchanged since then is not read.
    ///   - onlyNew: for rows that are added to those that are there: only what was not seen then.
    /// - Returns: nil when nothing has changed.
    func fetch(_ source: Source, before: JSONValue?, onlyNew: Bool, into folder: String) async throws -> Fetched? {
        switch source.kind {
        case .file: return try await fetchFiles(source)
        case .http: return try await fetchHTTP(source, before: before, into: folder)
        case .s3: return try await fetchS3(source, before: before, onlyNew: onlyNew, into: folder)
        case .postgres, .sqlite: return try await fetchRows(source, before: before, into: folder)
        }
    }

    private func fetchFiles(_ source: Source) async throws -> Fetched {
        let paths = try expand(glob: source.location, within: platform.sources.roots)
        var files: [(String, String)] = []
        for path in paths { files.append((path, "\(path)#sha256:\(try await digest(ofFile: path).hex)")) }
        return Fetched(
            files: files, seen: ["files": JSONValue(files.map(\.1))], read: ["files": JSONValue(files.count)])
    }

    // MARK: HTTP

    /// How often and how long a request is tried again.
    static let retries = Backoff(attempts: 6, baseSeconds: 0.2, maximumSeconds: 10)

    /// Whether to try again after this, and the least wait in seconds.
    @Sendable static func wait(after result: Result<HTTPResponse, any Error>) -> Double? {
        switch result {
        case .success(let response):
            guard [408, 429, 500, 502, 503, 504].contains(response.status) else { return nil }
            return min(response[header: "retry-after"].flatMap { Double($0) } ?? 0, 60)
        case .failure(let error as SlipwayError):
            return [.unavailable, .deadlineExceeded].contains(error.code) ? 0 : nil
        case .failure: return nil
        }
    }

    private func fetchHTTP(_ source: Source, before: JSONValue?, into folder: String) async throws -> Fetched? {
        let target = folder + "/download"
        var request = HTTPRequest(url: source.location, timeoutSeconds: nil, maximumResumes: 20)
        let outbound = try await outbound(source.project)
        outbound.apply(to: &request)
        if let secret = source.settings.secret {
            // Tokens go in the clear only within the owner's own network.
            guard source.location.lowercased().hasPrefix("https://") || outbound.addresses != .publicOnly else {
                throw SlipwayError.field("location", "would send a secret unencrypted", expected: "an https URL")
            }
            let value = try await openSecret(secret, project: source.project)
            let header =
                switch source.settings.authentication {
                case .bearer: "Bearer \(value.reveal)"
                case .basic: "Basic \(Base64.encode(Array(value.reveal.utf8)))"
                }
            guard header.utf8.allSatisfy({ $0 >= 32 && $0 < 127 }) else {
                throw SlipwayError(.invalid, "The secret \(secret) has characters that cannot be sent in a header.")
            }
            request.headers.append(("Authorization", header))
        }
        if let tag = before?["etag"]?.stringValue { request.headers.append(("If-None-Match", tag)) }
        if let date = before?["lastModified"]?.stringValue { request.headers.append(("If-Modified-Since", date)) }
        let (http, wanted) = (platform.http, request)
        let response = try await Self.retries.run(needsRetry: Self.wait) { _ in
            try await http.download(wanted, to: target)
        }
        if response.status == 304, before != nil { return nil }
        guard response.isSuccess else {
            throw SlipwayError(
                .unavailable, "\(response.url) answered \(response.status).",
                details: ["status": String(response.status)], ref: source.ref)
        }
        let label = "\(response.url)#sha256:\(try await digest(ofFile: target).hex)"
        let seen: JSONValue = [
            "etag": JSONValue(response[header: "etag"]), "lastModified": JSONValue(response[header: "last-modified"]),
            "file": .string(label),
        ]
        return Fetched(files: [(target, label)], seen: seen, read: seen)
    }

    // MARK: S3

    private func fetchS3(_ source: Source, before: JSONValue?, onlyNew: Bool, into folder: String) async throws
        -> Fetched?
    {
        let place = try S3Location(parsing: source.location, field: "location")
        let client = S3Client(
            location: place, credentials: try await s3Credentials(source), http: platform.http,
            backoff: Self.retries, outbound: try await outbound(source.project))
        let known = before?["objects"]?.objectValue ?? [:]
        var objects: [S3Object] = []
        var after: String?
        let prefix = place.prefix.isEmpty ? "" : place.prefix + "/"
        while true {
            let page = try await client.list(prefix: prefix, after: after)
            objects += page.objects.filter { !$0.key.hasSuffix("/") }
            guard objects.count <= 10_000 else {
                throw SlipwayError(.tooLarge, "\(place) holds more than 10000 objects.", ref: source.ref)
            }
            after = page.objects.last?.key
            if page.isEnd || after == nil { break }
        }
        guard !objects.isEmpty else {
            throw SlipwayError(.notFound, "There is nothing under \(place).", ref: source.ref)
        }
        let fresh = objects.filter { known[$0.key]?["etag"]?.stringValue != $0.tag || $0.tag.isEmpty }
        if before != nil, fresh.isEmpty, onlyNew || known.count == objects.count { return nil }
        var files: [(String, String)] = []
        var (seen, read): ([String: JSONValue], [JSONValue]) = (onlyNew ? known : [:], [])
        for (index, object) in (onlyNew ? fresh : objects).enumerated() {
            let (path, record) = try await fetch(
                object, client, known: known[object.key], to: folder + "/object-\(index)")
            let name = "s3://\(place.bucket)/\(object.key)"
            files.append((path, "\(name)#\(record["digest"]?.stringValue ?? "")"))
            seen[object.key] = record
            read.append(.object((record.objectValue ?? [:]).merging(["key": .string(object.key)]) { $1 }))
        }
        return Fetched(files: files, seen: ["objects": .object(seen)], read: ["objects": .array(read)])
    }

    /// An object's bytes: from the service, or from the object store if it has not changed since they were put there.
    private func fetch(_ object: S3Object, _ client: S3Client, known: JSONValue?, to target: String) async throws -> (
        path: String, record: JSONValue
    ) {
        if let known, !object.tag.isEmpty, known["etag"]?.stringValue == object.tag,
            let digest = try? Digest(parsing: known["digest"]?.stringValue ?? ""),
            try await platform.objects.touch(digest) != nil
        {
            return (try await platform.objects.localPath(digest), known)
        }
        // Exactly the object that was listed: one that is replaced meanwhile must not give half of each.
        let found = try await client.download(
            object.key, to: target, tag: object.tag.isEmpty ? nil : object.tag)
        let stored = try await platform.objects.put(file: target)
        return (
            target,
            [
                "etag": JSONValue(found.tag ?? object.tag), "version": JSONValue(found.version),
                "digest": .string("sha256:" + stored.digest.hex), "sizeBytes": .int(stored.sizeBytes),
            ]
        )
    }

    private func s3Credentials(_ source: Source) async throws -> S3Credentials {
        guard let name = source.settings.secret else { return try S3Credentials(environment: Self.environment) }
        let parts = try await openSecret(name, project: source.project).reveal
            .split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2, parts.allSatisfy({ !$0.isEmpty }) else {
            throw SlipwayError(
                .invalid,
                "The secret \(name) has not the form of S3 keys; expected ACCESS_KEY:SECRET_KEY[:SESSION_TOKEN]."
            )
        }
        return S3Credentials(
            accessKey: parts[0], secretKey: Secret(parts[1]), sessionToken: parts.count > 2 ? Secret(parts[2]) : nil)
    }

    /// What S3's credentials are taken from when a source names no secret.
    private static var environment: [String: String] {
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
        return Dictionary(names.compactMap { name in getenv(name).map { (name, String(cString: $0)) } }) { a, _ in a }
    }

    // MARK: Databases

    private func fetchRows(_ source: Source, before: JSONValue?, into folder: String) async throws -> Fetched? {
        let place: ForeignQuery.Place
        if source.kind == .sqlite {
            let found = try expand(glob: source.location, within: platform.sources.roots)
            guard found.count == 1 else {
                throw SlipwayError.field("location", "matches \(found.count) files", expected: "one database")
            }
            place = .file(found[0])
        } else {
            let server = try PostgresPlace(parsing: source.location)
            let outbound = try await outbound(source.project)
            var addresses: [String]?
            if let host = server.host {
                addresses = try await outbound.addresses(of: host).map(\.description)
            } else if outbound.addresses == .publicOnly {
                throw SlipwayError(
                    .forbidden,
                    "\(source.location) is a database of this machine. Sources may not reach it; an owner of the server can allow private addresses."
                )
            }
            let password = try await source.settings.secret.asyncMap {
                try await openSecret($0, project: source.project)
            }
            place = .postgres(server, password: password, addresses: addresses)
        }
        let after = before?["watermark"].flatMap { $0.isNull ? nil : $0 }
        var query = ForeignQuery(
            place, query: source.query ?? "", timeoutSeconds: source.settings.timeoutSeconds)
        query.watermark = source.settings.watermark.map { ($0, after) }
        let target = folder + "/rows.ndjson"
        let found = try await ForeignDatabase.export(query, to: target)
        guard found.rows > 0 else {
            if after != nil { return nil }
            throw SlipwayError(
                .conflict, "The query of \(source.ref) gives no rows, so there is no schema to import.",
                ref: source.ref)
        }
        let label = "\(source.location)#sha256:\(try await digest(ofFile: target).hex)"
        var seen: [String: JSONValue] = ["rows": .int(found.rows), "file": .string(label)]
        var fetched: [String: JSONValue] = ["rows": .int(found.rows), "snapshot": JSONValue(found.snapshot)]
        var range: JSONValue?
        if let column = source.settings.watermark {
            seen["watermark"] = found.watermark ?? .null
            range = ["column": .string(column), "after": after ?? .null, "through": found.watermark ?? .null]
            fetched["range"] = range
        }
        return Fetched(
            files: [(target, label)], seen: .object(seen), read: .object(fetched), range: range, nativeFormat: .json)
    }
}
