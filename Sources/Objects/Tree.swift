import Core

/// A file of a tree.
public struct TreeEntry: Hashable, Sendable {
    /// A valid `RelativePath`.
    public let path: String
    /// The whole file: its SHA-256 and size, whether it is stored whole or in chunks.
    public let object: ObjectInfo
    /// The digest of the file's chunk list if it is stored in chunks; nil if it is one object.
    public let chunks: Digest?

    public init(path: RelativePath, object: ObjectInfo, chunks: Digest? = nil) {
        self.init(checked: path.description, object: object, chunks: chunks)
    }

    /// For paths that were valid when they were stored.
    init(checked path: String, object: ObjectInfo, chunks: Digest?) {
        self.path = path
        self.object = object
        self.chunks = chunks
    }
}

/// A tree as its name and its sums. The same entries give the same digest, whatever way they got there.
public struct TreeRoot: Hashable, Sendable {
    public let digest: Digest
    public let files: Int64
    /// The files' bytes, each file counted even if two have the same content.
    public let bytes: Int64

    public init(digest: Digest, files: Int64, bytes: Int64) {
        self.digest = digest
        self.files = files
        self.bytes = bytes
    }
}

/// What is immediately in a folder of a tree.
public struct TreeChild: Hashable, Sendable {
    /// From the tree's root on.
    public let path: String
    /// nil for a folder.
    public let entry: TreeEntry?
    /// 1 for a file; the files below a folder.
    public let files: Int64
    public let bytes: Int64
}

/// One path in which two trees differ.
public struct TreeChange: Hashable, Sendable {
    public let path: String
    /// nil if the path was added.
    public let before: TreeEntry?
    /// nil if the path was removed.
    public let after: TreeEntry?
}

/// What one node of a tree refers to, for those who copy trees from one store to another.
public struct TreeNodeContent: Hashable, Sendable {
    /// The nodes below; empty for a leaf.
    public let nodes: [Digest]
    /// The files; empty for an inner node.
    public let entries: [TreeEntry]
}
