import Client
import Core
import Database
import Objects
import Platform
import Synchronization
import Tables

/// What a viewer needs to show one file of a version: where its bytes are, and how large an image it is.
struct FileView: Sendable {
    /// The columns that say it, of the table that a version of kind `files` is.
    static let columns = ["path", "digest", "media_type"]

    let url: String
    let mediaType: String?
    let image: ImageHeader?

    var json: JSONValue {
        var fields: [String: JSONValue] = ["url": .string(url), "mediaType": JSONValue(mediaType)]
        if let image {
            fields["width"] = JSONValue(image.width)
            fields["height"] = JSONValue(image.height)
        }
        return .object(fields)
    }
}

extension TableResult {
    /// The first columns only.
    func prefix(columns count: Int) -> TableResult {
        TableResult(
            columns: Array(columns.prefix(count)), rows: rows.map { Array($0.prefix(count)) }, truncated: truncated)
    }
}

/// Sizes of images by their digests, which never change.
private let imageHeaders = Mutex<[Digest: ImageHeader?]>([:])
private let imageHeadersKept = 100_000

extension DatasetsService {
    /// One for each row. A file that cannot be read has no size; the page is shown all the same.
    func fileViews(_ version: DatasetVersion, _ rows: TableResult) async -> [FileView] {
        let places = Dictionary(rows.columns.enumerated().map { ($1.name, $0) }) { a, _ in a }
        func text(_ row: [TableValue], _ column: String) -> String? { places[column].flatMap { row[$0].text } }
        let base =
            "/api/v1/datasets/\(percentEncode(version.dataset))/versions/\(version.number)/files/"
        return await withTaskGroup(of: (Int, FileView).self) { group in
            for (index, row) in rows.rows.enumerated() {
                let path = text(row, "path") ?? ""
                let type = text(row, "media_type")
                let digest = text(row, "digest").flatMap { try? Digest(parsing: $0) }
                let url = base + path.split(separator: "/").map { percentEncode(String($0)) }.joined(separator: "/")
                group.addTask {
                    let isImage = type?.hasPrefix("image/") ?? false
                    let image = isImage ? await digest.asyncMap { await imageHeader($0) } ?? nil : nil
                    return (index, FileView(url: url, mediaType: type, image: image))
                }
            }
            var views: [FileView?] = Array(repeating: nil, count: rows.rows.count)
            for await (index, view) in group { views[index] = view }
            return views.compactMap { $0 }
        }
    }

    /// The format and size of an image among a version's files; nil when the file is none that is known.
    ///
    /// - Throws: `notFound` when the version has no such file.
    public func imageHeader(of version: DatasetVersion, path: String) async throws -> ImageHeader? {
        await imageHeader(try await file(of: version, path).object.digest)
    }

    private func imageHeader(_ digest: Digest) async -> ImageHeader? {
        if let known = imageHeaders.withLock({ $0[digest] }) { return known }
        guard let info = try? await platform.objects.info(digest) else { return nil }
        var bytes: [UInt8] = []
        do {
            let range = 0..<min(info.sizeBytes, Int64(ImageHeader.bytesNeeded))
            for try await piece in platform.objects.stream(digest, range: range) {
                bytes += piece
                // Most have it in their first bytes.
                if let header = ImageHeader(bytes) { return keep(header, digest) }
            }
        } catch { return nil }
        return keep(ImageHeader(bytes), digest)
    }

    private func keep(_ header: ImageHeader?, _ digest: Digest) -> ImageHeader? {
        imageHeaders.withLock { known in
            if known.count >= imageHeadersKept { known = [:] }
            known[digest] = .some(header)
        }
        return header
    }
}
