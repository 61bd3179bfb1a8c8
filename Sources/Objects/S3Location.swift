import Core
import Transport

/// A bucket, or a part of one: `s3://bucket/prefix?endpoint=https://host:port&region=name`. Without an endpoint it is
/// Amazon's of that region; without a region, `us-east-1`. The bucket is addressed in the path, which every S3 service
/// understands.
public struct S3Location: Hashable, Sendable, CustomStringConvertible {
    public let bucket: String
    /// Not encoded; empty or without a slash at either end.
    public let prefix: String
    public let endpoint: WebURL
    public let region: String

    /// - Throws: `invalid`, naming `field`.
    public init(parsing text: String, field: String = "objects") throws {
        func fail(_ problem: String) -> SlipwayError {
            .field(field, problem, expected: "s3://bucket/prefix?endpoint=https://host&region=name")
        }
        guard text.hasPrefix("s3://") else { throw fail("'\(text.prefix(80))' does not begin with s3://") }
        let parts = text.dropFirst(5).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = (parts.first ?? "").split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let bucket = String(path.first ?? "")
        let isBucket = bucket.utf8.allSatisfy {
            (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
        guard (3...63).contains(bucket.utf8.count), isBucket else {
            throw fail(
                "'\(bucket.prefix(80))' is not a bucket's name (3 to 63 lower-case letters, digits, '-' and '.'; no user information)"
            )
        }
        guard let prefix = Percent.decode(path.count > 1 ? path[1] : "") else {
            throw fail("the prefix has a broken percent escape")
        }
        var endpoint: String?
        var region = "us-east-1"
        for (name, value) in try Percent.parseQuery(parts.count > 1 ? parts[1] : "", field: field) {
            switch name {
            case "endpoint": endpoint = value
            case "region": region = value
            default: throw fail("'\(name.prefix(40))' is not a parameter of an S3 location")
            }
        }
        guard Name.isValid(region) else { throw fail("'\(region.prefix(40))' is not a region") }
        let url = try WebURL(parsing: endpoint ?? "https://s3.\(region).amazonaws.com", field: field)
        guard url.path == "/", url.query == nil, !url.hasUserInformation else {
            throw fail("the endpoint is more than scheme, host and port")
        }
        self.bucket = bucket
        self.prefix = prefix.split(separator: "/").joined(separator: "/")
        self.endpoint = url
        self.region = region
    }

    public var description: String { prefix.isEmpty ? "s3://\(bucket)" : "s3://\(bucket)/\(prefix)" }
}
