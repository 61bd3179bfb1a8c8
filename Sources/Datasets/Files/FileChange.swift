import Core
import Objects

/// One line of what a commit of files changes.
enum FileChange: Sendable {
    /// The object, or the chunks of a list, are in the store already.
    case put(path: RelativePath, digest: Digest, sizeBytes: Int64, chunks: Digest?)
    case remove(RelativePath)
    /// A table in the store, with a column `path` and columns about the files.
    case metadata(Digest, MetadataFormat)

    enum MetadataFormat: String, Sendable, CaseIterable {
        case parquet, csv, ndjson
    }

    private static let fields: Set<String> = ["path", "digest", "size", "chunks", "remove", "metadata", "format"]

    /// `{"path": "a.png", "digest": "…", "size": 5, "chunks": "…"?}`, `{"remove": "b.png"}` or
    /// `{"metadata": "digest", "format": "csv"}`.
    init(line: [UInt8], number: Int) throws {
        do {
            if let plain = try Self.plain(line) {
                self = plain
                return
            }
            let fields = try JSONFields(JSONValue(parsing: line), allowed: Self.fields)
            if let path = try fields.optionalString("remove") {
                self = .remove(try RelativePath(parsing: path))
            } else if let metadata = try fields.optionalString("metadata") {
                let text = try fields.optionalString("format") ?? "csv"
                guard let format = MetadataFormat(rawValue: text) else {
                    throw SlipwayError.field(
                        "format", "'\(text.prefix(40))' is not known", expected: "parquet, csv or ndjson")
                }
                self = .metadata(try Digest(parsing: metadata, field: "metadata"), format)
            } else {
                let size = Int64(try fields.int("size"))
                guard size >= 0 else { throw SlipwayError.field("size", "is negative", expected: "bytes") }
                self = .put(
                    path: try RelativePath(parsing: fields.string("path")),
                    digest: try Digest(parsing: fields.string("digest")), sizeBytes: size,
                    chunks: try fields.optionalString("chunks").map { try Digest(parsing: $0, field: "chunks") })
            }
        } catch let error as SlipwayError {
            throw SlipwayError(error.code, "Line \(number): \(error.message)", details: ["line": String(number)])
        }
    }
}

extension FileChange {
    private static let plainStart = Array("{\"path\":\"".utf8)
    private static let plainDigest = Array("\",\"digest\":\"".utf8)
    private static let plainSize = Array("\",\"size\":".utf8)

    /// A line as `FileLinesWriter` puts it, without escapes and chunks, read at a fraction of the cost of any JSON: a commit
    /// may have a million of them. nil for any other line.
    private static func plain(_ line: [UInt8]) throws -> FileChange? {
        guard line.starts(with: plainStart), let quote = line[plainStart.count...].firstIndex(of: UInt8(ascii: "\"")),
            line[quote...].starts(with: plainDigest), line.last == UInt8(ascii: "}")
        else { return nil }
        let digestEnd = quote + plainDigest.count + 64
        guard digestEnd < line.count, line[digestEnd...].starts(with: plainSize),
            digestEnd + plainSize.count < line.count - 1
        else { return nil }
        let (path, digits) = (line[plainStart.count..<quote], line[(digestEnd + plainSize.count)..<(line.count - 1)])
        guard !path.contains(UInt8(ascii: "\\")), digits.count <= 18, digits.first != 48 || digits.count == 1,
            digits.allSatisfy({ (48...57).contains($0) }), let text = String(validating: path, as: UTF8.self)
        else { return nil }
        return .put(
            path: try RelativePath(parsing: text),
            digest: try Digest(parsing: String(decoding: line[(digestEnd - 64)..<digestEnd], as: UTF8.self)),
            sizeBytes: digits.reduce(0) { $0 * 10 + Int64($1 - 48) }, chunks: nil)
    }
}

/// The lines of a commit, as a client writes them.
struct FileLinesWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(path: String, digest: Digest, sizeBytes: Int64, chunks: Digest?) {
        text("{\"path\":")
        string(path)
        text(",\"digest\":\"")
        text(digest.hex)
        text("\",\"size\":")
        text(String(sizeBytes))
        if let chunks { text(",\"chunks\":\"\(chunks.hex)\"") }
        text("}\n")
    }

    mutating func remove(_ path: String) {
        text("{\"remove\":")
        string(path)
        text("}\n")
    }

    mutating func metadata(_ digest: Digest, _ format: FileChange.MetadataFormat) {
        text("{\"metadata\":\"\(digest.hex)\",\"format\":\"\(format.rawValue)\"}\n")
    }

    private mutating func text(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func string(_ value: String) { bytes.append(contentsOf: JSONValue.string(value).canonicalBytes) }
}

/// What is in the tree of a version of files besides the files themselves.
enum FilesTree {
    /// Files of this folder are Slipway's own.
    static let reserved = ".slipway/"
    /// Parquet: `path` and the columns about the files. Absent as long as there are none.
    static let metadata = ".slipway/metadata.parquet"
    static let metadataPath: RelativePath = {
        guard let path = try? RelativePath(parsing: metadata) else { preconditionFailure("a valid path") }
        return path
    }()

    static func isReserved(_ path: String) -> Bool { path.hasPrefix(reserved) || path == ".slipway" }

    /// The columns that every table of files begins with.
    static let ownColumns = ["path", "size_bytes", "media_type", "digest"]
}

/// The kind of a file's content, told by its name (as the IANA registry has it).
enum MediaType {
    private static let byEnding: [String: String] = [
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
        "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff", "svg": "image/svg+xml", "avif": "image/avif",
        "heic": "image/heic", "txt": "text/plain", "md": "text/markdown", "csv": "text/csv",
        "tsv": "text/tab-separated-values", "html": "text/html", "htm": "text/html", "xml": "application/xml",
        "json": "application/json", "ndjson": "application/x-ndjson", "jsonl": "application/x-ndjson",
        "yaml": "application/yaml", "yml": "application/yaml", "pdf": "application/pdf",
        "parquet": "application/vnd.apache.parquet", "arrow": "application/vnd.apache.arrow.file",
        "zip": "application/zip", "gz": "application/gzip", "tar": "application/x-tar", "wav": "audio/wav",
        "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg", "mp4": "video/mp4", "webm": "video/webm",
    ]

    static let unknown = "application/octet-stream"

    static func of(_ path: String) -> String {
        guard let dot = path.utf8.lastIndex(of: UInt8(ascii: ".")) else { return unknown }
        return byEnding[path[path.index(after: dot)...].lowercased()] ?? unknown
    }

    /// What a browser is told: types that it may run scripts in, or sniff into such, are only bytes.
    static func served(_ path: String) -> String {
        let type = of(path)
        switch type {
        case "image/svg+xml", "text/html", "application/xml": return unknown
        case _ where type.hasPrefix("text/"): return type + "; charset=utf-8"
        default: return type
        }
    }
}

/// - Throws: `tooLarge` for an image that decoded would fill memory; the content alone tells what is an image.
func requireReasonableImage(_ bytes: some Collection<UInt8>, name: String) throws {
    guard let image = ImageHeader(bytes), !image.isReasonable else { return }
    throw SlipwayError(
        .tooLarge,
        "\(name) is an image of \(image.width) × \(image.height) pixels; up to \(ImageHeader.maximumPixels) pixels and \(ImageHeader.maximumSide) a side are taken. Cut it into tiles.",
        details: ["limit": String(ImageHeader.maximumPixels)])
}
