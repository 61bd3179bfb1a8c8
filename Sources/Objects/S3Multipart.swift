import Core
import Transport

/// How big objects are cut for uploads. S3 takes at most 10,000 parts, none but the last smaller than 5 MiB.
struct MultipartPlan: Hashable, Sendable {
    /// Bigger objects are uploaded in parts.
    var thresholdBytes: Int64 = 16 << 20
    var partBytes: Int64 = 8 << 20
    /// Parts on their way at once.
    var parallelism = 4

    /// The byte ranges of the parts.
    func parts(of sizeBytes: Int64) -> [Range<Int64>] {
        let least = (sizeBytes + 9999) / 10000
        let part = least <= partBytes ? partBytes : (least + (1 << 20) - 1) / (1 << 20) * (1 << 20)
        return stride(from: 0, to: sizeBytes, by: Int64.Stride(part)).map { $0..<min($0 + part, sizeBytes) }
    }
}

extension S3Client {
    /// Stores a file in parts; the object appears when all are there. If anything fails, or the task is cancelled, the
    /// upload is aborted, so that the service keeps no parts.
    ///
    /// - Parameter hash: the SHA-256 of a range of the file.
    func putMultipart(
        _ key: String, file: String, sizeBytes: Int64, plan: MultipartPlan,
        hash: @escaping @Sendable (Range<Int64>) async throws -> Digest
    ) async throws {
        try await multipart(key, parts: plan.parts(of: sizeBytes), parallelism: plan.parallelism, sizeBytes: sizeBytes)
        { range, query in
            let digest = try await hash(range)
            let body = HTTPBody.file(path: file, offset: range.lowerBound, length: Int64(range.count))
            let response = try await self.call(
                "PUT", key, query: query, body: body, payloadHash: digest.hex, accepting: [200])
            return response[header: "ETag"]
        }
    }

    /// `refresh` for objects over 5 GiB, which S3 copies only in parts.
    func refreshMultipart(_ key: String, sizeBytes: Int64, partBytes: Int64 = 1 << 30) async throws {
        let plan = MultipartPlan(partBytes: partBytes)
        let source = "/" + Percent.encode("\(location.bucket)/\(key)", keepingSlashes: true)
        try await multipart(key, parts: plan.parts(of: sizeBytes), parallelism: plan.parallelism, sizeBytes: sizeBytes)
        { range, query in
            let headers = [
                ("x-amz-copy-source", source),
                ("x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"),
            ]
            let response = try await self.call("PUT", key, query: query, headers: headers, accepting: [200])
            let answer = try XMLElement(parsing: response.body)
            if answer.name == "Error" { throw self.failure(response, key) }
            return answer["ETag"]?.text
        }
    }

    private func multipart(
        _ key: String, parts: [Range<Int64>], parallelism: Int, sizeBytes: Int64,
        upload: @escaping @Sendable (Range<Int64>, [(String, String)]) async throws -> String?
    ) async throws {
        let begun = try await call("POST", key, query: [("uploads", "")], accepting: [200])
        guard let id = try XMLElement(parsing: begun.body)["UploadId"]?.text, !id.isEmpty else {
            throw SlipwayError(.unavailable, "\(location.endpoint.authority) began an upload without an id.")
        }
        do {
            let tags = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                var tags = [String](repeating: "", count: parts.count)
                for (index, range) in parts.enumerated() {
                    if index >= parallelism, let done = try await group.next() { tags[done.0] = done.1 }
                    group.addTask {
                        guard let tag = try await upload(range, [("partNumber", String(index + 1)), ("uploadId", id)])
                        else {
                            throw SlipwayError(
                                .unavailable, "\(self.location.endpoint.authority) took a part without giving its ETag."
                            )
                        }
                        return (index, tag)
                    }
                }
                for try await done in group { tags[done.0] = done.1 }
                return tags
            }
            try await complete(key, id, tags, sizeBytes)
        } catch {
            _ = try? await call(
                "DELETE", key, query: [("uploadId", id)], accepting: [204, 200, 404], survivesCancellation: true)
            throw error
        }
    }

    private func complete(_ key: String, _ id: String, _ tags: [String], _ sizeBytes: Int64) async throws {
        let parts = tags.enumerated().map {
            "<Part><PartNumber>\($0 + 1)</PartNumber><ETag>\(XMLElement.escape($1))</ETag></Part>"
        }
        let body = Array("<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>".utf8)
        let response = try await call(
            "POST", key, query: [("uploadId", id)], headers: [("content-type", "application/xml")], body: .bytes(body),
            payloadHash: Digest.of(body).hex, accepting: [200, 404])
        if response.status == 200, try XMLElement(parsing: response.body).name != "Error" { return }
        // An answer may have been lost: then the second try finds no upload, and the object is there.
        if Self.code(response) == "NoSuchUpload", try await head(key)?.sizeBytes == sizeBytes { return }
        throw failure(response, key)
    }

    /// Aborts the uploads that were begun before `cutoff` under `prefix` and never ended; says how many.
    func abortUploads(prefix: String, before cutoff: Timestamp, dryRun: Bool) async throws -> Int {
        var marker: [(String, String)] = []
        var count = 0
        while true {
            let response = try await call(
                "GET", "", query: [("uploads", ""), ("prefix", prefix)] + marker, accepting: [200])
            let page = try XMLElement(parsing: response.body)
            for upload in page.all("Upload") {
                guard let key = upload["Key"]?.text, key.hasPrefix(prefix), let id = upload["UploadId"]?.text,
                    let begun = upload["Initiated"]?.text, try Timestamp(parsing: begun) < cutoff
                else { continue }
                if !dryRun { _ = try await call("DELETE", key, query: [("uploadId", id)], accepting: [204, 200, 404]) }
                count += 1
            }
            guard page["IsTruncated"]?.text == "true", let next = page["NextKeyMarker"]?.text else { return count }
            marker = [("key-marker", next), ("upload-id-marker", page["NextUploadIdMarker"]?.text ?? "")]
        }
    }
}
