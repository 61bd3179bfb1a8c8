import Core
import Tracking
import Web

/// HTTP in, HTTP out: Slipway's own view of traces. Applications log through MLflow's API and OTLP.
struct TraceRoutes {
    let service: TraceService

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/traces", .readRuns, "Traces, the latest first.",
                query: [
                    .init("experiment", "Its id or name; may be repeated. All that you may read by default."),
                    .init("filter", "A filter expression: status = 'ERROR' AND span.name = 'retrieve'."),
                    .init("order", "Fields, separated by commas: execution_time DESC."),
                    .init("limit", "Rows a page."), .init("after", "The 'next' of the previous page."),
                ]
            ) { request in
                let page = try request.page(maximum: TraceLimits.searchMaximum)
                var search = TraceSearch(experiments: [])
                for wanted in request.queryAll("experiment") {
                    search.experiments.append(try await experiment(wanted, as: request.principal))
                }
                if search.experiments.isEmpty {
                    var all = ExperimentSearch()
                    all.limit = TrackingLimits.searchMaximum
                    search.experiments = try await service.tracking.searchExperiments(all, as: request.principal).items
                        .map(\.id)
                }
                search.filter = try Filter.parse(request.query("filter") ?? "")
                search.order = try (request.query("order") ?? "").split(separator: ",").map {
                    try SortTerm(parsing: String($0))
                }
                (search.limit, search.after) = (page.limit, page.after)
                return .page(try await service.search(search, as: request.principal), \.summary)
            },
            Route(.get, "/api/v1/traces/{id}", .readRuns, "One trace with its spans.") { request in
                .json(try await service.trace(request.parameter("id"), as: request.principal).json)
            },
        ]
    }

    private func experiment(_ idOrName: String, as principal: Principal) async throws -> String {
        if Int64(idOrName) != nil { return try await service.tracking.experiment(idOrName, as: principal).id }
        guard let found = try await service.tracking.experiment(named: idOrName, as: principal) else {
            throw SlipwayError.notFound(
                Ref(.experiment, idOrName), hint: "'slipway experiment list' shows those that there are.")
        }
        return found.id
    }
}

extension TraceInfo {
    var summary: JSONValue {
        var fields: [String: JSONValue] = [
            "id": .string(id), "ref": JSONValue(ref), "experiment": .string(experiment), "project": .string(project),
            "state": .string(state.rawValue), "started": JSONValue(started),
        ]
        fields["name"] = tags.first { $0.key == TraceKey.name }.map { .string($0.value) }
        fields["durationMs"] = durationMilliseconds.map { .int($0) }
        fields["request"] = requestPreview.map { .string($0) }
        fields["response"] = responsePreview.map { .string($0) }
        fields["clientRequestId"] = clientRequestID.map { .string($0) }
        if !tags.isEmpty { fields["tags"] = JSONValue(tags.map) }
        if !metadata.isEmpty { fields["metadata"] = JSONValue(metadata.map) }
        if !assessments.isEmpty { fields["assessments"] = .array(assessments.map(\.json)) }
        return .object(fields)
    }
}

extension Assessment {
    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "id": .string(id), "name": .string(name), "kind": .string(kind.rawValue), "value": value,
            "source": .string([sourceType, sourceID ?? ""].filter { !$0.isEmpty }.joined(separator: ":")),
            "created": JSONValue(created), "updated": JSONValue(updated), "isValid": .bool(isValid),
        ]
        fields["error"] = error
        fields["rationale"] = rationale.map { .string($0) }
        fields["span"] = span.map { .string($0) }
        fields["overrides"] = overrides.map { .string($0) }
        if !metadata.isEmpty { fields["metadata"] = JSONValue(metadata.map) }
        return .object(fields)
    }
}

extension Trace {
    var json: JSONValue {
        var depths: [String: Int] = [:]
        let spans = spans.map { span -> JSONValue in
            let depth = span.parent.flatMap { depths[$0] }.map { $0 + 1 } ?? 0
            depths[span.id] = depth
            var fields: [String: JSONValue] = [
                "id": .string(span.id), "name": .string(span.name), "status": .string(span.status.rawValue),
                "startedNs": .int(span.startedNanoseconds), "depth": .int(Int64(depth)),
            ]
            fields["parent"] = span.parent.map { .string($0) }
            fields["type"] = span.type.map { .string($0) }
            fields["durationMs"] = span.endedNanoseconds.map { .number(Double($0 - span.startedNanoseconds) / 1e6) }
            if let body = try? JSONValue(parsing: span.body) {
                fields["attributes"] = (try? [Attribute](json: body["attributes"] ?? .null)).map { .object($0.map) }
                fields["events"] = body["events"]
                fields["message"] = body["status"]?["message"]
            }
            return .object(fields)
        }
        return .object((info.summary.objectValue ?? [:]).merging(["spans": .array(spans)]) { $1 })
    }
}
