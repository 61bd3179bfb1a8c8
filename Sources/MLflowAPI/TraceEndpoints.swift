import Archives
import Core
import Traces
import Tracking
import Web

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension MLflowRoutes {
    /// `/v1/traces` (OTLP) and `traces/…`.
    var traceRoutes: [Route] { otlpRoutes + traceReadRoutes + traceWriteRoutes + oldTraceRoutes }

    // MARK: OTLP

    private var otlpRoutes: [Route] {
        [
            Route(
                .post, "/v1/traces", .writeRuns,
                "OpenTelemetry: takes spans (OTLP/HTTP) into the experiment of the header x-mlflow-experiment-id.",
                body: .bytes(type: "application/x-protobuf"), wire: .mlflow
            ) { [traces] request in
                guard let experiment = request.header("x-mlflow-experiment-id"), !experiment.isEmpty else {
                    throw SlipwayError(
                        .invalid, "The header x-mlflow-experiment-id is missing; it names the experiment of the spans.")
                }
                let type = (request.header("content-type") ?? "").split(separator: ";").first.map {
                    $0.lowercased().filter { $0 != " " }
                }
                let isJSON = type == "application/json"
                guard isJSON || type == "application/x-protobuf" else {
                    throw SlipwayError(
                        .invalid,
                        "Invalid Content-Type: '\((type ?? "").prefix(80))'. Expected: application/x-protobuf or application/json."
                    )
                }
                var bytes = try await request.bytes(maximumBytes: TraceLimits.requestBytes)
                switch request.header("content-encoding")?.lowercased() {
                case nil, "", "identity": break
                case "gzip": bytes = try Gzip.unpack(bytes, maximumBytes: TraceLimits.unpackedBytes)
                case let encoding?:
                    throw SlipwayError(
                        .invalid, "Unsupported Content-Encoding: '\(encoding.prefix(40))'. Expected: gzip or none.")
                }
                let batch = try isJSON ? OTLP.parse(json: bytes) : OTLP.parse(protobuf: bytes)
                guard !batch.isEmpty else {
                    throw SlipwayError(.invalid, "Invalid OpenTelemetry format - no spans found.")
                }
                try await traces.ingest(
                    batch, experiment: experiment, run: request.header("x-mlflow-run-id"), as: request.principal)
                // ExportTraceServiceResponse without a field set.
                let answer: [UInt8] = isJSON ? Array("{}".utf8) : []
                return Response(
                    status: 200, headers: [("Content-Type", isJSON ? "application/json" : "application/x-protobuf")],
                    body: .bytes(answer))
            }
        ]
    }

    // MARK: Reading

    private var traceReadRoutes: [Route] {
        endpoint(.post, "traces/search", version: "3.0", .readRuns, "looks for traces.") {
            [traces] fields, principal in
            let experiments = try fields.messages("locations").compactMap {
                try $0.message("mlflow_experiment")?.required("experiment_id")
            }
            guard fields["locations"] != nil else { throw fields.missing("locations") }
            let page = try await traces.search(Self.traceSearch(fields, experiments), as: principal)
            return .mlflow { writer in
                writer.list("traces", page.items) { $0.fields(of: $1) }
                writer.field("next_page_token", page.next?.description)
            }
        }
            + endpoint(.get, "traces/get", version: "3.0", .readRuns, "one trace with its spans.") {
                [traces] fields, principal in
                let trace = try await traces.trace(
                    fields.required("trace_id"), allowPartial: fields.bool("allow_partial") ?? false, as: principal)
                return .mlflow { $0.message("trace") { $0.fields(of: trace) } }
            }
            + endpoint(.get, "traces/batchGet", version: "3.0", .readRuns, "traces with their spans.") {
                [traces] fields, principal in
                let ids = try Self.traceIDs(fields)
                // Written one trace at a time, since together they can be large.
                return Response(
                    status: 200, headers: [("Content-Type", "application/json")],
                    body: .stream(length: nil) { output in
                        try await output.write(#"{"traces":["#)
                        var separator = ""
                        try await traces.forEach(ids, as: principal) { trace in
                            var writer = JSONWriter()
                            writer.object { $0.fields(of: trace) }
                            try await output.write(separator)
                            try await output.write(writer.bytes)
                            separator = ","
                        }
                        try await output.write("]}")
                    })
            }
            + endpoint(.post, "traces/batchGetInfos", version: "3.0", .readRuns, "traces without their spans.") {
                [traces] fields, principal in
                let infos = try await traces.infos(Self.traceIDs(fields), as: principal)
                return .mlflow { $0.list("trace_infos", infos) { $0.fields(of: $1) } }
            }
            + rawEndpoint(.get, "mlflow/traces/{trace_id}", version: "3.0", .readRuns, "one trace without its spans.") {
                [traces] request in
                Self.answer(try await traces.info(request.parameter("trace_id"), as: request.principal))
            }
            + endpoint(
                .post, "traces/calculate-filter-correlation", version: "3.0", .readRuns,
                "how often two filters hold together."
            ) { [traces] fields, principal in
                let counts = try await traces.counts(
                    Filter.parse(fields.required("filter_string1")), Filter.parse(fields.required("filter_string2")),
                    base: Filter.parse(fields.text("base_filter") ?? ""), experiments: fields.strings("experiment_ids"),
                    as: principal)
                return Self.correlation(counts)
            }
            + rawEndpoint(.get, "mlflow/get-trace-artifact", .readRuns, "the spans of a trace as a file.") {
                [traces] request in
                guard let id = request.query("request_id"), !id.isEmpty else {
                    throw SlipwayError(.invalid, "Request must include the \"request_id\" query parameter.")
                }
                let trace = try await traces.trace(id, as: request.principal)
                let bytes = try JSONValue.object(["spans": .array(trace.spans.map { try $0.fileForm })]).canonicalBytes
                return Response(
                    status: 200,
                    headers: [
                        ("Content-Type", "application/octet-stream"),
                        ("Content-Disposition", "attachment; filename=\"traces.json\""),
                    ], body: .bytes(bytes))
            }
    }

    // MARK: Writing

    private var traceWriteRoutes: [Route] {
        let setTag: @Sendable (Request) async throws -> Response = { [traces] request in
            let fields = try await MLflowFields(request)
            try await traces.setTag(
                KeyValue(fields.required("key"), fields.text("value") ?? ""), on: request.parameter("trace_id"),
                as: request.principal)
            return .mlflowEmpty
        }
        let deleteTag: @Sendable (Request) async throws -> Response = { [traces] request in
            let fields = try await MLflowFields(request)
            try await traces.deleteTag(
                fields.filled("key") ?? request.query("key") ?? fields.required("key"),
                on: request.parameter("trace_id"), as: request.principal)
            return .mlflowEmpty
        }
        let delete: @Sendable (MLflowFields, Principal) async throws -> Response = { [traces] fields, principal in
            let count = try await Self.delete(traces, fields, as: principal)
            return .mlflow { $0.field("traces_deleted", Int64(count)) }
        }
        let both = ["2.0", "3.0"].flatMap { version in
            rawEndpoint(
                .patch, "mlflow/traces/{trace_id}/tags", version: version, .writeRuns, "sets a tag of a trace.", setTag)
                + rawEndpoint(
                    .delete, "mlflow/traces/{trace_id}/tags", version: version, .writeRuns, "removes a tag of a trace.",
                    deleteTag)
                + endpoint(.post, "traces/delete-traces", version: version, .writeRuns, "deletes traces.", delete)
        }
        return both
            + endpoint(.post, "traces", version: "3.0", .writeRuns, "says what a trace is about as a whole.") {
                [traces] fields, principal in
                guard let info = try fields.message("trace")?.message("trace_info") else {
                    throw fields.missing("trace")
                }
                return Self.answer(try await traces.start(Self.draft(info), as: principal))
            }
            + endpoint(.post, "traces/link-to-run", .writeRuns, "links traces to a run.") {
                [traces] fields, principal in
                let ids = try Self.traceIDs(fields)
                try await traces.link(ids, toRun: fields.required("run_id"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "traces/link-prompts", .writeRuns, "links versions of prompts to a trace.") {
                [traces] fields, principal in
                let prompts = try fields.messages("prompt_versions").map { prompt in
                    guard let version = try prompt.int("version") else { throw prompt.missing("version") }
                    return "\(try prompt.required("name"))/\(version)"
                }
                guard !prompts.isEmpty else { throw fields.missing("prompt_versions") }
                try await traces.link(prompts: prompts, to: fields.required("trace_id"), as: principal)
                return .mlflowEmpty
            }
    }

    // MARK: Version 2

    private var oldTraceRoutes: [Route] {
        endpoint(.post, "traces", .writeRuns, "begins a trace (version 2).") { [traces] fields, principal in
            var draft = TraceDraft(
                id: ID.make(), experiment: try fields.required("experiment_id"),
                started: Timestamp(milliseconds: try fields.int("timestamp_ms") ?? 0), state: .inProgress)
            draft.metadata = try fields.keyValues("request_metadata")
            draft.tags = try fields.keyValues("tags")
            return Self.oldAnswer(try await traces.start(draft, as: principal))
        }
            + rawEndpoint(.patch, "mlflow/traces/{trace_id}", .writeRuns, "ends a trace (version 2).") {
                [traces] request in
                let fields = try await MLflowFields(request)
                let old = try await traces.info(request.parameter("trace_id"), as: request.principal)
                var draft = TraceDraft(
                    id: old.id, experiment: old.experiment, started: old.started,
                    state: try fields.choice("status", TraceState.mlflowChoices) ?? .unspecified)
                draft.clientRequestID = old.clientRequestID
                draft.durationMilliseconds = try fields.int("timestamp_ms").map { $0 - old.started.milliseconds }
                draft.metadata = try fields.keyValues("request_metadata")
                draft.tags = try fields.keyValues("tags")
                return Self.oldAnswer(try await traces.start(draft, as: request.principal))
            }
            + rawEndpoint(.get, "mlflow/traces/{trace_id}/info", .readRuns, "one trace (version 2).") {
                [traces] request in
                Self.oldAnswer(try await traces.info(request.parameter("trace_id"), as: request.principal))
            }
            + endpoint(.get, "traces", .readRuns, "looks for traces (version 2).") { [traces] fields, principal in
                let experiments = try fields.strings("experiment_ids")
                guard !experiments.isEmpty else { throw fields.missing("experiment_ids") }
                let page = try await traces.search(Self.traceSearch(fields, experiments), as: principal)
                return .mlflow { writer in
                    writer.list("traces", page.items) { $0.oldFields(of: $1) }
                    writer.field("next_page_token", page.next?.description)
                }
            }
    }

    // MARK: Parts

    private static func answer(_ trace: TraceInfo) -> Response {
        .mlflow { $0.message("trace") { $0.message("trace_info") { $0.fields(of: trace) } } }
    }

    private static func oldAnswer(_ trace: TraceInfo) -> Response {
        .mlflow { $0.message("trace_info") { $0.oldFields(of: trace) } }
    }

    private static func traceIDs(_ fields: MLflowFields) throws -> [String] {
        let ids = try fields.strings("trace_ids")
        guard !ids.isEmpty else { throw fields.missing("trace_ids") }
        return ids
    }

    private static func traceSearch(_ fields: MLflowFields, _ experiments: [String]) throws -> TraceSearch {
        var search = TraceSearch(experiments: experiments)
        search.filter = try Filter.parse(fields.text("filter") ?? "")
        search.order = try fields.strings("order_by").map { try SortTerm(parsing: $0) }
        search.limit = try fields.limit(default: 100, maximum: TraceLimits.searchMaximum)
        search.after = try fields.cursor()
        return search
    }

    private static func draft(_ info: MLflowFields) throws -> TraceDraft {
        guard let experiment = try info.message("trace_location")?.message("mlflow_experiment") else {
            throw info.missing("trace_location")
        }
        var draft = TraceDraft(
            id: try info.required("trace_id"), experiment: try experiment.required("experiment_id"),
            started: try info.time("request_time") ?? Timestamp(milliseconds: 0),
            state: try info.choice("state", TraceState.mlflowChoices) ?? .unspecified)
        draft.clientRequestID = try info.filled("client_request_id")
        draft.requestPreview = try info.text("request_preview")
        draft.responsePreview = try info.text("response_preview")
        draft.durationMilliseconds = try info.duration("execution_duration")
        draft.metadata = try info.textMap("trace_metadata")
        draft.tags = try info.textMap("tags")
        draft.assessments = try info.messages("assessments").map { try $0.assessment() }
        return draft
    }

    private static func delete(_ traces: TraceService, _ fields: MLflowFields, as principal: Principal) async throws
        -> Int
    {
        let ids = try fields.strings("request_ids") + fields.strings("trace_ids")
        let until = try fields.int("max_timestamp_millis").map { Timestamp(milliseconds: $0) }
        let limit = try fields.int("max_traces").map { Int(clamping: $0) }
        guard (until != nil) != !ids.isEmpty else {
            throw SlipwayError(
                .invalid,
                ids.isEmpty
                    ? "Either `max_timestamp_millis` or `trace_ids` must be specified."
                    : "Only one of `max_timestamp_millis` and `trace_ids` can be specified.")
        }
        guard ids.isEmpty || limit == nil else {
            throw SlipwayError(.invalid, "`max_traces` can't be specified if `trace_ids` is specified.")
        }
        guard limit.map({ $0 > 0 }) ?? true else {
            throw SlipwayError(.invalid, "`max_traces` must be a positive integer, received \(limit ?? 0).")
        }
        return try await traces.delete(
            experiment: fields.required("experiment_id"), ids: ids.isEmpty ? nil : ids, until: until, limit: limit,
            as: principal)
    }

    /// Normalized pointwise mutual information (Bouma 2009), plain and with half a trace added to each of the four counts.
    private static func correlation(_ counts: (first: Int64, second: Int64, both: Int64, all: Int64)) -> Response {
        func npmi(_ added: Double) -> Double {
            let (both, first, second) = (
                Double(counts.both) + added, Double(counts.first) + 2 * added, Double(counts.second) + 2 * added
            )
            let all = Double(counts.all) + 4 * added
            guard counts.all > 0, first > 0, second > 0 else { return .nan }
            guard both > 0 else { return -1 }
            guard both < all else { return 1 }
            return log(both * all / (first * second)) / -log(both / all)
        }
        return .mlflow { writer in
            writer.key("npmi")
            writer.write(npmi(0))
            writer.key("npmi_smoothed")
            writer.write(npmi(0.5))
            writer.field("filter1_count", counts.first)
            writer.field("filter2_count", counts.second)
            writer.field("joint_count", counts.both)
            writer.field("total_count", counts.all)
        }
    }
}

extension TraceState {
    static let mlflowChoices: [(name: String, number: Int64, value: TraceState)] = [
        ("STATE_UNSPECIFIED", 0, .unspecified), ("TRACE_STATUS_UNSPECIFIED", 0, .unspecified), ("OK", 1, .ok),
        ("ERROR", 2, .error), ("IN_PROGRESS", 3, .inProgress),
    ]
}
