import Core

/// What keeps artifacts.
public enum ArtifactOwner: Sendable, Hashable {
    case run(String)
    case model(String)

    public var ref: Ref {
        switch self {
        case .run(let id): Ref(.run, id)
        case .model(let id): Ref(.loggedModel, id)
        }
    }
}

/// A place below `mlflow-artifacts:/`, the URI scheme by which MLflow's clients reach artifacts through the server:
/// `<experiment's location>/<run>/artifacts/<path>` or `<experiment's location>/models/<model>/artifacts/<path>`.
public struct ArtifactLocation: Sendable, Hashable {
    public static let scheme = "mlflow-artifacts:/"

    public let owner: ArtifactOwner
    /// The URI of the owner's folder.
    public let root: String
    /// Within the owner's folder; nil for the folder itself.
    public let path: RelativePath?

    static func root(ofExperiment id: String) -> String { scheme + id }

    /// Parses what follows `mlflow-artifacts:/`. Whether the owner exists, and has this root, is for others to say.
    ///
    /// - Throws: `invalid` when the path could leave the store; nil where nothing can be kept.
    public static func parse(_ text: String) throws -> ArtifactLocation? {
        let parts = try RelativePath(parsing: text).components
        guard let at = parts.indices.dropFirst().first(where: { parts[$0] == "artifacts" }) else { return nil }
        let id = parts[at - 1]
        let owner: ArtifactOwner = at >= 2 && parts[at - 2] == "models" && id.hasPrefix("m-") ? .model(id) : .run(id)
        let rest = parts[(at + 1)...].joined(separator: "/")
        return ArtifactLocation(
            owner: owner, root: scheme + parts[...at].joined(separator: "/"),
            path: rest.isEmpty ? nil : try RelativePath(parsing: rest))
    }

    private init(owner: ArtifactOwner, root: String, path: RelativePath?) {
        self.owner = owner
        self.root = root
        self.path = path
    }
}

/// A file or folder among artifacts.
public struct ArtifactEntry: Sendable, Hashable {
    /// From the owner's folder on.
    public let path: String
    /// nil for a folder.
    public let sizeBytes: Int64?
    public let digest: Digest?

    public var isFolder: Bool { sizeBytes == nil }
    /// The last part of the path.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    public var json: JSONValue {
        [
            "path": .string(path), "folder": .bool(isFolder), "sizeBytes": sizeBytes.map { .int($0) } ?? .null,
            "digest": JSONValue(digest.map { "sha256:" + $0.hex }),
        ]
    }
}

/// The media type of a file by its name's end. What a browser would run is plain text.
public enum ArtifactType {
    public static func of(_ name: String) -> String {
        let extensionPart =
            name.split(separator: ".", omittingEmptySubsequences: false).last.map { $0.lowercased() } ?? ""
        return switch extensionPart {
        case "json": "application/json"
        case "txt", "log", "md", "yaml", "yml", "csv", "tsv", "py", "js", "html", "htm", "css", "xml", "toml", "cfg",
            "conf", "ini",
            "ipynb", "r", "rst", "sh", "sql", "mlmodel", "mlproject":
            "text/plain; charset=utf-8"
        case "png": "image/png"
        case "jpg", "jpeg": "image/jpeg"
        case "gif": "image/gif"
        case "webp": "image/webp"
        case "pdf": "application/pdf"
        case "parquet": "application/vnd.apache.parquet"
        case "zip": "application/zip"
        case "gz": "application/gzip"
        default: "application/octet-stream"
        }
    }
}
