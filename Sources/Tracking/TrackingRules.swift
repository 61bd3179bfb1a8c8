import Core

/// Limits of MLflow's tracking API, which its clients count on. Lengths are in Unicode scalars.
public enum TrackingLimits {
    public static let keyLength = 250
    public static let experimentNameLength = 500
    public static let experimentTagValueLength = 20_000
    public static let artifactLocationLength = 2048
    /// Longer values are cut here, as MLflow's server cuts them.
    public static let paramValueLength = 6000
    /// Longer values are cut here, as MLflow's server cuts them.
    public static let runTagValueLength = 8000
    public static let metricsPerBatch = 1000
    public static let paramsPerBatch = 100
    public static let tagsPerBatch = 100
    public static let entitiesPerBatch = 1000
    public static let datasetsPerBatch = 1000
    public static let datasetNameLength = 500
    public static let datasetDigestLength = 36
    public static let datasetSourceLength = 65_535
    public static let datasetSchemaLength = 1_048_575
    public static let datasetProfileLength = 16_777_215
    public static let inputTagValueLength = 500
    /// Rows of a search page.
    public static let searchMaximum = 50_000
    /// Buckets of a metric that is thinned out for drawing.
    public static let curvePoints = 10_000
    /// Metrics of runs that are thinned out in one call.
    public static let curves = 500
}

/// What may be logged. The messages name the field by its path in the request, and begin as MLflow's do where clients
/// match them.
enum TrackingRules {
    static func experimentName(_ name: String) throws {
        guard !name.isEmpty, !name.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
            throw invalid("name", "Invalid experiment name: '\(name.prefix(200))'")
        }
        try length(name, TrackingLimits.experimentNameLength, "name")
    }

    /// Runs cannot keep artifacts among another run's, nor where `OutsideLocation` says.
    static func artifactLocation(_ uri: String) throws {
        guard !uri.hasPrefix("runs:") else {
            throw invalid("artifact_location", "Artifact location cannot be a runs:/ URI. Given: '\(uri.prefix(200))'")
        }
        try length(uri, TrackingLimits.artifactLocationLength, "artifact_location")
        // With a host, clients would go to that host and show it their token.
        if uri.hasPrefix(ArtifactLocation.scheme), !uri.hasPrefix(ArtifactLocation.scheme + "/") {
            let path = String(uri.dropFirst(ArtifactLocation.scheme.utf8.count))
            _ = try RelativePath(parsing: path, field: "artifact_location")
            try artifactPath(path, field: "artifact_location")
        } else {
            try OutsideLocation.validate(uri, field: "artifact_location")
        }
    }

    /// A path under which an artifact is stored.
    static func artifactPath(_ path: String, field: String = "path") throws {
        guard !UnsafePath.leads(path) else {
            throw SlipwayError.field(
                field, "'\(path.prefix(200))' could be read as another path",
                expected: "a path such as model/model.onnx")
        }
    }

    static func experimentTag(_ tag: KeyValue) throws {
        try key(tag.key, path: "key")
        try length(tag.value, TrackingLimits.experimentTagValueLength, "value")
    }

    /// - Throws: `invalid` for the first thing in the batch that breaks a rule.
    /// - Returns: the batch with over-long values cut.
    static func checked(_ batch: LogBatch, isSingle: Bool) throws -> LogBatch {
        func path(_ list: String, _ index: Int, _ field: String) -> String {
            isSingle ? field : "\(list)[\(index)].\(field)"
        }
        // Batches have many points of few names.
        var names: Set<String> = []
        for (index, metric) in batch.metrics.enumerated() {
            if names.insert(metric.key).inserted { try key(metric.key, path: path("metrics", index, "name")) }
            if metric.point.time.milliseconds < 0 {
                throw invalid(
                    path("metrics", index, "timestamp"),
                    "Invalid value \(metric.point.time.milliseconds) for parameter '\(path("metrics", index, "timestamp"))' "
                        + "supplied: metric '\(metric.key)' (value=\(metric.point.value)). "
                        + "Timestamp must be a nonnegative long (64-bit integer) ")
            }
        }
        var result = batch
        result.params = try batch.params.enumerated().map { index, param in
            try key(param.key, path: path("params", index, "key"))
            return KeyValue(param.key, cut(param.value, TrackingLimits.paramValueLength))
        }
        result.tags = try batch.tags.enumerated().map { index, tag in
            try key(tag.key, path: path("tags", index, "key"))
            return KeyValue(tag.key, cut(tag.value, TrackingLimits.runTagValueLength))
        }
        try count("metrics", batch.metrics.count, TrackingLimits.metricsPerBatch)
        try count("params", batch.params.count, TrackingLimits.paramsPerBatch)
        try count("tags", batch.tags.count, TrackingLimits.tagsPerBatch)
        try count(
            "metrics, params, and tags", batch.metrics.count + batch.params.count + batch.tags.count,
            TrackingLimits.entitiesPerBatch)
        let repeated = Dictionary(grouping: batch.params, by: \.key).filter { $0.value.count > 1 }.keys.sorted()
        guard repeated.isEmpty else {
            throw invalid(
                "params",
                "Duplicate parameter keys have been submitted: \(repeated). Please ensure the request contains only one param "
                    + "value per param key.")
        }
        return result
    }

    static func dataset(_ input: DatasetInput) throws {
        try length(input.name, TrackingLimits.datasetNameLength, "name")
        try length(input.digest, TrackingLimits.datasetDigestLength, "digest")
        try length(input.source, TrackingLimits.datasetSourceLength, "source")
        if let schema = input.schema { try length(schema, TrackingLimits.datasetSchemaLength, "schema") }
        if let profile = input.profile { try length(profile, TrackingLimits.datasetProfileLength, "profile") }
        for tag in input.tags {
            try length(tag.key, 255, "key")
            try length(tag.value, TrackingLimits.inputTagValueLength, "value")
        }
    }

    static func modelName(_ name: String) throws {
        guard !name.isEmpty, !name.contains(where: { "/:.%\"'".contains($0) }) else {
            throw invalid(
                "name",
                "Invalid model name ('\(name.prefix(200))') provided. Model name must be a non-empty string and cannot contain "
                    + "the following characters: / : . % \" '")
        }
    }

    /// A key of a metric, parameter or tag: letters, digits and `_-./ :`; as a path it must not mean another name.
    static func key(_ key: String, path: String) throws {
        guard key.unicodeScalars.allSatisfy(isKeyScalar) else {
            throw invalid(
                path,
                "Invalid value \(JSONValue.string(key).canonicalText) for parameter '\(path)' supplied: Names may only contain "
                    + "alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).")
        }
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), !key.hasPrefix("..") else {
            throw invalid(
                path,
                "Invalid value \(JSONValue.string(key).canonicalText) for parameter '\(path)' supplied: Names may be treated as "
                    + "files in certain cases, and must not resolve to other names when treated as such.")
        }
        try length(key, TrackingLimits.keyLength, path)
    }

    private static func isKeyScalar(_ c: UnicodeScalar) -> Bool {
        switch c.value {
        case 48...57, 65...90, 97...122, 95, 45, 46, 47, 32, 58: true
        case 0..<128: false
        default: c.properties.isAlphabetic || c.properties.numericType != nil
        }
    }

    private static func length(_ text: String, _ limit: Int, _ name: String) throws {
        // A text has no more scalars than bytes.
        guard text.utf8.count > limit, text.unicodeScalars.count > limit else { return }
        throw invalid(name, "'\(name)' exceeds the maximum length of \(limit) characters")
    }

    private static func cut(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count > limit, text.unicodeScalars.count > limit else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit)))
    }

    private static func count(_ what: String, _ count: Int, _ limit: Int) throws {
        guard count > limit else { return }
        throw SlipwayError(
            .invalid,
            "A batch logging request can contain at most \(limit) \(what). Got \(count) \(what). Please split up \(what) across "
                + "multiple requests and try again.",
            details: ["limit": String(limit)])
    }

    static func invalid(_ field: String, _ message: String) -> SlipwayError {
        SlipwayError(.invalid, message, details: ["field": field])
    }
}
