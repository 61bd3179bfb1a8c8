import Core
import Database
import Web

extension Permission {
    static let readEvents = Permission("events.read", .readers)
    static let readLineage = Permission("lineage.read", .readers)
    static let verifyLedger = Permission("ledger.verify", [.owner, .operator])
}

/// Events, their live stream, lineage and the audit over HTTP.
public struct LedgerRoutes: Sendable {
    let ledger: Ledger
    let lineageSources: [LineageSource]
    private let tail = EventTail()

    public init(_ ledger: Ledger, lineageSources: [LineageSource]) {
        self.ledger = ledger
        self.lineageSources = lineageSources
    }

    private static let filters: [Route.Parameter] = [
        .init("type", "An event type, or a prefix that ends in '.'."),
        .init("subject", "A ref; without @ all its versions."),
        .init("project", "A project."),
    ]

    public var routes: [Route] {
        [
            Route(
                .get, "/api/v1/events", .readEvents, "Events, newest first.",
                query: Self.filters + [
                    .init("limit", "Rows a page."), .init("after", "The 'next' of the previous page."),
                ]
            ) { request in
                let query = try Self.query(request, by: request.principal)
                return .page(try await ledger.page(query, request.page()), \.json)
            },
            Route(
                .get, "/api/v1/events/stream", .readEvents,
                "Events as they happen (server-sent events); goes on after Last-Event-ID.",
                query: Self.filters + [
                    .init("from", "The sequence number to begin after; the end of the ledger by default.")
                ]
            ) { request in
                _ = try Self.query(request, by: request.principal)
                let wanted = request.header("last-event-id") ?? request.query("from")
                let start: Int64
                if let wanted {
                    guard let number = Int64(wanted) else {
                        throw SlipwayError.field("from", "is not a number", expected: "a sequence number")
                    }
                    start = number
                } else {
                    start = try await ledger.lastSequence()
                }
                // Asked again now and then: a token may be revoked, a grant taken away.
                let reader = EventReader(ledger: ledger, tail: tail) {
                    try Self.query(request, by: try await request.principalNow())
                }
                return Response(
                    status: 200, headers: [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")],
                    body: .stream(length: nil) { writer in try await reader.write(to: writer, after: start) })
            },
            Route(
                .get, "/api/v1/lineage/{ref}", .readLineage, "What a thing was made from, or what was made from it.",
                query: [
                    .init("direction", "upstream (default) or downstream."), .init("depth", "Steps; 1000 by default."),
                ]
            ) { request in
                let ref = try await ledger.newestVersion(of: Ref(parsing: request.parameter("ref")))
                let directionText = request.query("direction") ?? "upstream"
                guard let direction = LineageDirection(rawValue: directionText) else {
                    throw SlipwayError.field(
                        "direction", "'\(directionText.prefix(20))' is not a direction",
                        expected: "upstream or downstream")
                }
                guard let depth = Int(request.query("depth") ?? "1000"), (1...1000).contains(depth) else {
                    throw SlipwayError.field("depth", "is out of range", expected: "1 to 1000")
                }
                let all = try await ledger.lineage(of: ref, direction, depth: depth, sources: lineageSources)
                let isSubject: Set<RefKind> = [
                    .dataset, .model, .slice, .pipeline, .endpoint, .monitor, .project, .source,
                ]
                if all.isEmpty, isSubject.contains(ref.kind),
                    try await ledger.page(Ledger.Query(subject: ref), PageRequest(limit: 1)).items.isEmpty
                {
                    throw SlipwayError.notFound(ref)
                }
                let edges = try await ledger.visible(all, from: ref, to: request.principal)
                return .json([
                    "ref": JSONValue(ref), "direction": .string(direction.rawValue),
                    "edges": .array(
                        edges.map {
                            [
                                "source": JSONValue($0.source), "target": JSONValue($0.target),
                                "relation": .string($0.relation),
                            ]
                        }),
                ])
            },
            Route(.get, "/api/v1/audit/verify", .verifyLedger, "Recomputes the hash chain of the whole ledger.") {
                request in
                try request.principal.require(.verifyLedger, in: nil)
                let result = try await ledger.verify()
                return .json([
                    "events": .int(result.events), "head": .string(result.head),
                    "whole": .bool(result.firstFault == nil),
                    "fault": result.firstFault.map { ["sequence": .int($0.sequence), "problem": .string($0.problem)] }
                        ?? .null,
                ])
            },
        ]
    }

    /// What a request asks for, in the projects that the principal may see: one that it names, or all of them.
    ///
    /// - Throws: `forbidden` if there is none.
    private static func query(_ request: Request, by principal: Principal) throws -> Ledger.Query {
        var query = Ledger.Query(
            subject: try request.query("subject").map { try Ref(parsing: $0) }, type: request.query("type"),
            project: request.query("project"))
        if query.project != nil || !principal.may(.readEvents, in: nil) {
            let granted = principal.grants.keys.filter { principal.may(.readEvents, in: $0) }
            if query.project != nil || granted.isEmpty {
                try principal.require(.readEvents, in: query.project)
            } else {
                query.projects = Set(granted)
            }
        }
        return query
    }
}
