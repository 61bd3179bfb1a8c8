import Core
import Database
import Objects
import Platform
import Tracking

extension TraceService {
    /// Stores what came in one request of OTLP, all or nothing, in one transaction; traces that are new are made in
    /// `experiment`. The same spans may come again.
    ///
    /// - Parameter run: the run to which traces are linked whose root span is among them.
    /// - Returns: the ids of the traces.
    @discardableResult
    public func ingest(
        _ batch: [ResourceSpans], experiment: String, run: String? = nil, as principal: Principal
    ) async throws -> [String] {
        let key = try Self.experimentKey(experiment)
        let (summaries, rows) = try await prepared(batch)
        guard !summaries.isEmpty else { return [] }
        try await database.write { [self] db in
            let home = try home(db, key, .writeRuns, principal)
            let known = Dictionary(try traces.bare(db, ids: summaries.map(\.id)).map { ($0.id, $0) }) { a, _ in a }
            var keys = known.mapValues(\.key)
            var next = try traces.nextKey(db)
            var made: [TraceStore.NewTrace] = []
            for summary in summaries {
                if let trace = known[summary.id] {
                    try principal.require(.writeRuns, in: trace.project)
                    try traces.extend(db, trace, by: summary)
                } else {
                    made.append(summary.trace(key: next, experiment: home.key))
                    keys[summary.id] = next
                    next += 1
                }
            }
            try traces.insert(db, made)
            try spans.put(db, rows.compactMap { row in keys[row.traceID].map { ($0, row) } })
            var tags: [(Int64, KeyValue)] = []
            var metadata: [(Int64, KeyValue)] = []
            for summary in summaries {
                guard let trace = keys[summary.id] else { continue }
                tags += summary.tags.map { (trace, $0) }
                metadata += summary.metadata.map { (trace, $0) }
            }
            try traces.set(db, .tag, tags)
            try traces.set(db, .metadata, metadata, keeping: true)
            try count(db, summaries, keys: keys, known: known)
        }
        if let run, case let complete = summaries.filter({ $0.state != nil }).map(\.id), !complete.isEmpty {
            for start in stride(from: 0, to: complete.count, by: TraceLimits.linksPerRequest) {
                let some = Array(complete[start..<min(start + TraceLimits.linksPerRequest, complete.count)])
                try await link(some, toRun: run, as: principal)
            }
        }
        return summaries.map(\.id)
    }

    /// Tokens and cost of the traces. Where more spans join a trace, they are counted with those that are there.
    private func count(
        _ db: any Transaction, _ summaries: [TraceSummary], keys: [String: Int64], known: [String: TraceInfo]
    ) throws {
        var given: [(Int64, KeyValue)] = []
        var counted: [(Int64, KeyValue)] = []
        for summary in summaries where summary.nodes.contains(where: { $0.tokens != nil || $0.cost != nil }) {
            guard let key = keys[summary.id] else { continue }
            var nodes = summary.nodes
            let isFinal = known[summary.id]?.metadata.contains { $0.key == TraceKey.isFinal } ?? false
            if known[summary.id] != nil { nodes += try spans.usage(db, trace: key, except: Set(nodes.map(\.id))) }
            let totals = UsageNode.totals(nodes).map { (key, $0) }
            // What the client said of the whole trace counts more.
            if isFinal { given += totals } else { counted += totals }
        }
        try traces.set(db, .metadata, given, keeping: true)
        try traces.set(db, .metadata, counted)
    }

    /// Everything that needs no transaction: what spans say in columns, their bodies, and the objects of large ones.
    private func prepared(_ batch: [ResourceSpans]) async throws -> ([TraceSummary], [SpanStore.NewSpan]) {
        var order: [String] = []
        var byTrace: [String: (spans: [Span], resource: [Attribute])] = [:]
        var rows: [SpanStore.NewSpan] = []
        for resource in batch {
            for raw in resource.spans {
                let id = "tr-" + raw.traceID
                let span = SpanRules.completed(raw, traceID: id)
                if byTrace[id] == nil { order.append(id) }
                var trace = byTrace[id] ?? ([], [])
                trace.spans.append(span)
                if trace.resource.isEmpty { trace.resource = resource.resource }
                byTrace[id] = trace
                rows.append(try await row(span, id))
            }
        }
        let summaries = order.compactMap { id in
            byTrace[id].map { TraceSummary(id: id, spans: $0.spans, resource: $0.resource) }
        }
        // Of a span that came twice in one request the later counts.
        var last: [String: Int] = [:]
        for (index, row) in rows.enumerated() { last[row.traceID + row.span.id] = index }
        if last.count < rows.count { rows = last.values.sorted().map { rows[$0] } }
        return (summaries, rows)
    }

    private func row(_ span: Span, _ traceID: String) async throws -> SpanStore.NewSpan {
        var kept = span
        kept.name = TraceRules.cut(span.name, TraceLimits.previewLength)
        let type = span.attributes["mlflow.spanType"].map { TraceRules.cut(AttributeValue.unquoted($0), 250) }
        let body = kept.body(attributes: kept.attributes)
        guard body.utf8.count > TraceLimits.rowBytes else {
            return SpanStore.NewSpan(traceID: traceID, span: kept, type: type, body: body, object: nil)
        }
        let object = try await platform.objects.put(Array(body.utf8))
        var excerpt = kept
        excerpt.events = []
        excerpt.links = []
        excerpt.statusMessage = TraceRules.cut(kept.statusMessage, TraceLimits.excerptCharacters)
        return SpanStore.NewSpan(
            traceID: traceID, span: kept, type: type, body: excerpt.body(attributes: kept.excerpt), object: object)
    }

    /// Makes a trace, or says of one whose spans came before what the client says of it as a whole.
    public func start(_ draft: TraceDraft, as principal: Principal) async throws -> TraceInfo {
        let draft = try draft.checked()
        let key = try Self.experimentKey(draft.experiment)
        let now = now
        return try await database.write { [self] db in
            let home = try home(db, key, .writeRuns, principal)
            let name = draft.tags.last { $0.key == TraceKey.name }?.value
            let trace: Int64
            if let known = try traces.bare(db, ids: [draft.id]).first {
                try principal.require(.writeRuns, in: known.project)
                trace = known.key
                try traces.replace(db, key: trace, draft, experiment: home.key, name: name)
            } else {
                trace = try traces.nextKey(db)
                try traces.insert(db, [draft.trace(key: trace, experiment: home.key, name: name)])
            }
            let tags = draft.tags.filter { $0.key != TraceKey.name && !TraceKey.reserved.contains($0.key) }
            try traces.set(db, .tag, tags.map { (trace, $0) })
            try traces.set(
                db, .metadata, draft.metadata.filter { $0.key != TraceKey.isFinal }.map { (trace, $0) })
            try assessments.put(
                db, trace: trace, try draft.assessments.map { try $0.made(trace: draft.id, at: now) })
            return try traces.complete(db, try traces.bare(db, ids: [draft.id]))[0]
        }
    }
}

extension TraceSummary {
    fileprivate func trace(key: Int64, experiment: Int64) -> TraceStore.NewTrace {
        TraceStore.NewTrace(
            key: key, id: id, experiment: experiment, started: started,
            durationMilliseconds: ended.map { $0.milliseconds - started.milliseconds }, state: state ?? .inProgress,
            name: name, requestPreview: requestPreview, responsePreview: responsePreview, isFinal: false)
    }
}

extension TraceDraft {
    fileprivate func trace(key: Int64, experiment: Int64, name: String?) -> TraceStore.NewTrace {
        TraceStore.NewTrace(
            key: key, id: id, experiment: experiment, started: started, durationMilliseconds: durationMilliseconds,
            state: state, name: name, clientRequestID: clientRequestID, requestPreview: requestPreview,
            responsePreview: responsePreview, isFinal: true)
    }
}
