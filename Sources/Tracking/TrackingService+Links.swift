import Core
import Database
import Objects
import Platform

/// Links to single artifacts, and uploads in parts. Neither has a table: a link is sealed text that says all about itself,
/// and the parts of an upload are objects that nothing refers to yet, which go with the garbage if they are left behind.
extension TrackingService {
    /// Most parts of an upload, as in S3.
    public static let uploadPartsMaximum = 10_000
    public static let readLinkSeconds = 300
    public static let writeLinkSeconds = 900

    // MARK: Links

    /// A link to read or to store one file.
    ///
    /// - Parameter seconds: how long it lasts; never longer than the caller's own credentials.
    /// - Throws: `notFound` for a file to read that is not there.
    /// - Returns: the sealed text, and the object to read.
    public func link(
        _ deed: ArtifactLink.Deed, _ path: RelativePath, of owner: ArtifactOwner, seconds: Int, as principal: Principal
    ) async throws -> (text: String, object: ObjectInfo?) {
        guard (1...ArtifactLink.maximumSeconds).contains(seconds) else {
            throw TrackingRules.invalid(
                "expiration",
                "expiration must be between 1 and \(ArtifactLink.maximumSeconds) seconds (got \(seconds)).")
        }
        let object = deed == .read ? try await artifact(path, of: owner, as: principal).object : nil
        let link = try await newLink(deed, path, of: owner, seconds: seconds, as: principal)
        return (link.sealed(in: try box()), object)
    }

    /// - Throws: `forbidden`.
    public func openLink(_ text: String) throws -> ArtifactLink {
        try ArtifactLink.open(text, in: box(), at: now)
    }

    // MARK: Uploads in parts

    /// Begins an upload. The links of its parts, and its id, last a day.
    public func beginUpload(
        _ path: RelativePath, of owner: ArtifactOwner, parts: Int, as principal: Principal
    ) async throws -> (id: String, links: [String]) {
        guard (1...Self.uploadPartsMaximum).contains(parts) else {
            throw TrackingRules.invalid(
                "num_parts", "num_parts must be from 1 to \(Self.uploadPartsMaximum) (got \(parts)).")
        }
        let upload = try await newLink(
            .upload, path, of: owner, seconds: ArtifactLink.uploadSeconds, as: principal)
        let box = try box()
        return (upload.sealed(in: box), (1...parts).map { upload.with(.part($0)).sealed(in: box) })
    }

    /// Takes what the bearer of a link to write, or to a part, brings; constant memory.
    ///
    /// - Throws: `forbidden` when the link is for something else.
    /// - Returns: the receipt of a part.
    public func store(
        _ contents: some AsyncSequence<[UInt8], any Error> & Sendable, by link: ArtifactLink
    ) async throws -> String? {
        switch link.deed {
        case .write:
            try await putArtifact(contents, at: link.path, of: link.owner, as: link.bearer)
            return nil
        case .part(let number):
            try await requireMayWrite(link.owner, as: link.bearer)
            let object = try await objects.put(contentsOf: contents)
            return PartReceipt(upload: link.upload, number: number, digest: object.digest).sealed(in: try box())
        case .read, .upload:
            throw SlipwayError(.forbidden, "This link is not for storing a file.")
        }
    }

    /// Makes the file of its parts; may be repeated.
    ///
    /// - Parameter receipts: of the parts 1, 2 … in this order.
    /// - Throws: `invalid` for an id or receipts that do not belong here; `notFound` for parts that were collected.
    public func completeUpload(
        _ id: String, _ receipts: [(number: Int, text: String)], at path: RelativePath, of owner: ArtifactOwner,
        as principal: Principal
    ) async throws {
        let box = try box()
        let upload = try self.upload(id, at: path, of: owner)
        try await requireMayWrite(owner, as: principal)
        guard !receipts.isEmpty, receipts.count <= Self.uploadPartsMaximum else {
            throw TrackingRules.invalid("parts", "parts must have from 1 to \(Self.uploadPartsMaximum) parts.")
        }
        var digests: [Digest] = []
        for (index, receipt) in receipts.enumerated() {
            let quoted = receipt.text.filter { $0 != "\"" }
            guard receipt.number == index + 1, let part = PartReceipt.open(quoted, in: box),
                part.number == receipt.number, part.upload == upload.upload
            else {
                throw TrackingRules.invalid(
                    "parts[\(index)]",
                    "parts[\(index)] is not part \(index + 1) of this upload; expected each part once, in order, with the ETag that its upload answered."
                )
            }
            digests.append(part.digest)
        }
        // One part is the file already.
        if digests.count == 1, let object = try await objects.touch(digests[0]) {
            return try await setArtifacts([(path, object)], of: owner, as: principal)
        }
        let writer = try await objects.writer()
        for digest in digests {
            for try await bytes in objects.stream(digest) { try await writer.append(bytes) }
        }
        try await setArtifacts([(path, writer.finish())], of: owner, as: principal)
    }

    /// Forgets an upload: what came of it is garbage.
    public func abortUpload(_ id: String, at path: RelativePath, of owner: ArtifactOwner, as principal: Principal)
        async throws
    {
        _ = try upload(id, at: path, of: owner)
        try await requireMayWrite(owner, as: principal)
    }

    // MARK: Parts

    private func upload(_ id: String, at path: RelativePath, of owner: ArtifactOwner) throws -> ArtifactLink {
        guard let upload = try? openLink(id), upload.deed == .upload, upload.path == path, upload.owner == owner else {
            throw TrackingRules.invalid(
                "upload_id", "upload_id is not an upload of this file, or it is more than a day old.")
        }
        return upload
    }

    private func newLink(
        _ deed: ArtifactLink.Deed, _ path: RelativePath, of owner: ArtifactOwner, seconds: Int, as principal: Principal
    ) async throws -> ArtifactLink {
        try TrackingRules.artifactPath(path.description)
        let project = try await database.read { [self] db in
            try requireKept(db, owner, deed == .read ? .readRuns : .writeRuns, principal)
        }
        let end = now.adding(seconds: Double(seconds))
        return ArtifactLink(
            deed: deed, owner: owner, path: path, project: project, author: principal.name,
            expires: principal.expires.map { min($0, end) } ?? end, upload: ID.make())
    }

    private func requireMayWrite(_ owner: ArtifactOwner, as principal: Principal) async throws {
        _ = try await database.read { [self] db in try requireKept(db, owner, .writeRuns, principal) }
    }

    private func box() throws -> SecretBox { try SecretBox.open(folder: platform.dataDirectory, makesKey: true) }
}
