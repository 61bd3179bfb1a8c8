import Core
import Transport

extension ObjectStore {
    /// Opens the store that a URL names: a folder (`/srv/objects`, `file:///srv/objects`) or a part of a bucket
    /// (`s3://bucket/prefix?endpoint=https://host:port&region=name`, keys from `AWS_ACCESS_KEY_ID` and
    /// `AWS_SECRET_ACCESS_KEY`).
    ///
    /// - Parameters:
    ///   - temporaryFolder: holds local copies of what is no file by itself, and the uploads under way to an S3 store.
    ///   - cacheBytes: how much the local copies may take.
    /// - Throws: `invalid`, naming `objects`; `unavailable` if the folder cannot be used or the bucket not be reached.
    public static func open(
        _ url: String, temporaryFolder: String, environment: [String: String], http: HTTPClient,
        cacheBytes: Int64 = 10 << 30
    ) async throws -> ObjectStore {
        let pool = BlockingPool(name: "objects", threads: 8)
        let cache = try ObjectCache(folder: temporaryFolder + "/objects", maximumBytes: cacheBytes, pool: pool)
        if url.hasPrefix("s3://") {
            let client = S3Client(
                location: try S3Location(parsing: url), credentials: try S3Credentials(environment: environment),
                http: http)
            // The one request that needs the right endpoint, bucket, region and keys, and changes nothing.
            _ = try await client.list(prefix: "", limit: 1)
            let backend = try S3Backend(client: client, stagingFolder: temporaryFolder + "/uploads", pool: pool)
            return ObjectStore(backend: backend, pool: pool, cache: cache)
        }
        let folder = try folder(url)
        let backend = try await pool.run { _ in try DiskBackend(folder: folder, pool: pool) }
        return ObjectStore(backend: backend, pool: pool, cache: cache)
    }

    private static func folder(_ url: String) throws -> String {
        let expected = "an absolute folder, file:///folder or s3://bucket/prefix"
        var path = url
        if url.hasPrefix("file://") {
            guard let decoded = Percent.decode(url.dropFirst(7)) else {
                throw SlipwayError.field("objects", "has a broken percent escape", expected: expected)
            }
            path = decoded
        } else if url.contains("://") {
            throw SlipwayError.field("objects", "the URL's scheme is not known", expected: expected)
        }
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw SlipwayError.field("objects", "'\(path.prefix(80))' is not an absolute path", expected: expected)
        }
        return path
    }
}
