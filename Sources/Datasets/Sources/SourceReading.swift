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
    /// For the source's record: ETags, digests, counts.
    let seen: JSONValue
    let nativeFormat: TableInput.Format?

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
    func fetch(_ source: Source, into folder: String) async throws -> Fetched {
        switch source.kind {
        case .file:
            let paths = try expand(glob: source.location, within: platform.sources.roots)
            var files: [(String, String)] = []
            for path in paths { files.append((path, "\(path)#sha256:\(try await digest(ofFile: path).hex)")) }
            return Fetched(files: files, seen: ["files": JSONValue(files.map(\.1))], nativeFormat: nil)
        case .http:
            let target = folder + "/download"
            let request = HTTPRequest(
                url: source.location, timeoutSeconds: nil,
                addressPolicy: platform.sources.allowsPrivateAddresses ? .any : .publicOnly)
            let response = try await platform.http.download(request, to: target)
            guard response.isSuccess else {
                throw SlipwayError(
                    .unavailable, "\(response.url) answered \(response.status).",
                    details: ["status": String(response.status)], ref: source.ref)
            }
            let label = "\(response.url)#sha256:\(try await digest(ofFile: target).hex)"
            return Fetched(
                files: [(target, label)], seen: ["etag": JSONValue(response[header: "etag"]), "file": .string(label)],
                nativeFormat: nil)
        case .s3:
            return try await fetchS3(source, into: folder)
        case .postgres, .sqlite:
            var url = source.location
            if source.kind == .sqlite {
                let found = try expand(glob: source.location, within: platform.sources.roots)
                guard found.count == 1 else {
                    throw SlipwayError.field("location", "matches \(found.count) files", expected: "one database")
                }
                url = "sqlite://" + found[0]
            }
            let target = folder + "/rows.ndjson"
            let count = try await ForeignDatabase.export(
                url: url, query: source.query ?? "", to: target)
            guard count > 0 else {
                throw SlipwayError(
                    .conflict, "The query of \(source.ref) gives no rows, so there is no schema to import.",
                    ref: source.ref)
            }
            let label = "\(source.location)#sha256:\(try await digest(ofFile: target).hex)"
            return Fetched(
                files: [(target, label)], seen: ["rows": .int(count), "file": .string(label)], nativeFormat: .json)
        }
    }

    private func fetchS3(_ source: Source, into folder: String) async throws -> Fetched {
        let place = try S3Location(parsing: source.location, field: "location")
        let client = S3Client(
            location: place, credentials: try S3Credentials(environment: Self.environment), http: platform.http)
        let prefix = place.prefix.isEmpty ? "" : place.prefix + "/"
        var files: [(String, String)] = []
        var after: String?
        while true {
            let page = try await client.list(prefix: prefix, after: after)
            for object in page.objects where !object.key.hasSuffix("/") {
                guard files.count < 10_000 else {
                    throw SlipwayError(.tooLarge, "\(place) holds more than 10000 objects.", ref: source.ref)
                }
                let target = folder + "/object-\(files.count)"
                try await client.download(object.key, to: target)
                files.append(
                    (target, "s3://\(place.bucket)/\(object.key)#sha256:\(try await digest(ofFile: target).hex)"))
            }
            after = page.objects.last?.key
            if page.isEnd || after == nil { break }
        }
        guard !files.isEmpty else { throw SlipwayError(.notFound, "There is nothing under \(place).", ref: source.ref) }
        return Fetched(files: files, seen: ["files": JSONValue(files.map(\.1))], nativeFormat: nil)
    }

    /// What S3's credentials are taken from.
    private static var environment: [String: String] {
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
        return Dictionary(names.compactMap { name in getenv(name).map { (name, String(cString: $0)) } }) { a, _ in a }
    }
}
