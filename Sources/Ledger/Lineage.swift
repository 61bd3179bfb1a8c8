import Core
import Database

/// "`target` was made from `source`", and how.
public struct LineageEdge: Sendable, Hashable {
    public let source: Ref
    public let target: Ref
    /// `derived-from`, `trained-on`, `predicted-by` …
    public let relation: String

    public init(source: Ref, target: Ref, relation: String) {
        self.source = source
        self.target = target
        self.relation = relation
    }
}

public enum LineageDirection: String, Sendable {
    /// Towards what it was made from.
    case upstream
    /// Towards what was made from it.
    case downstream
}

/// Where edges come from that are too many to be stored one by one (predictions): a feature answers for a kind of ref.
public struct LineageSource: Sendable {
    public let kinds: Set<RefKind>
    public let edges: @Sendable (Ref, LineageDirection) async throws -> [LineageEdge]

    public init(kinds: Set<RefKind>, edges: @escaping @Sendable (Ref, LineageDirection) async throws -> [LineageEdge]) {
        self.kinds = kinds
        self.edges = edges
    }
}

extension Ledger {
    /// Records an edge inside the caller's transaction; recording it again changes nothing.
    public func link(_ db: any Transaction, _ target: Ref, madeFrom source: Ref, _ relation: String) throws {
        try db.execute(
            """
            INSERT INTO lineage_edge (source, target, relation, created_ms) VALUES (\(source), \(target), \(relation), \(clock.now()))
            ON CONFLICT (target, source, relation) DO NOTHING
            """)
    }

    /// A bare ref of something that has versions means the newest one that the ledger knows; other refs stay as they are.
    public func newestVersion(of ref: Ref) async throws -> Ref {
        guard ref.selector == nil || ref.selector == "latest",
            [.dataset, .model, .slice, .pipeline, .monitor, .labelSchema].contains(ref.kind)
        else { return ref }
        let bare = Ref(ref.kind, ref.name)
        let newest = try await database.read { db in
            let subjects = SQL.all(Query(subject: bare).conditions(db.dialect))
            return try db.all("SELECT DISTINCT subject FROM ledger_event WHERE \(subjects)") { try $0.ref(0) }
        }.compactMap(\.version).max()
        return newest.map { Ref(ref.kind, ref.name, version: $0) } ?? bare
    }

    /// All edges within `depth` steps of a ref in one direction, breadth first, at most `limit`.
    public func lineage(
        of ref: Ref, _ direction: LineageDirection, depth: Int = 1000, limit: Int = 5000, sources: [LineageSource] = []
    ) async throws -> [LineageEdge] {
        var found: [LineageEdge] = []
        var seenEdges: Set<LineageEdge> = []
        var seen: Set<Ref> = [ref]
        var frontier = [ref]
        for _ in 0..<depth where !frontier.isEmpty && found.count < limit {
            var edges: [LineageEdge] = []
            for chunk in frontier.chunks(of: 200) {
                edges += try await database.read { db in
                    let match: SQL =
                        direction == .upstream
                        ? "target IN (\(list: Array(chunk)))" : "source IN (\(list: Array(chunk)))"
                    return try db.all(
                        "SELECT source, target, relation FROM lineage_edge WHERE \(match) ORDER BY target, source LIMIT \(limit)"
                    ) {
                        LineageEdge(source: try $0.ref(0), target: try $0.ref(1), relation: try $0.text(2))
                    }
                }
            }
            for source in sources {
                for ref in frontier where source.kinds.contains(ref.kind) {
                    edges += try await source.edges(ref, direction)
                }
            }
            frontier = []
            for edge in edges where seenEdges.insert(edge).inserted && found.count < limit {
                found.append(edge)
                let next = direction == .upstream ? edge.source : edge.target
                if seen.insert(next).inserted { frontier.append(next) }
            }
        }
        return found
    }

    /// The edges that a principal may see. One with a role on all projects sees all of them; the others see an edge when
    /// the project of one of its ends is theirs and neither end belongs to a project that is not. What has no event of its
    /// own (a file, a prediction) belongs to no project.
    ///
    /// - Throws: `forbidden` when nothing about `ref` is the principal's to see.
    func visible(_ edges: [LineageEdge], from ref: Ref, to principal: Principal) async throws -> [LineageEdge] {
        if principal.may(.readLineage, in: nil), principal.grants.isEmpty { return edges }
        let refs = Array(Set(edges.flatMap { [$0.source, $0.target] } + [ref]))
        var projects: [Ref: String] = [:]
        for chunk in refs.chunks(of: 200) {
            let found = try await database.read { db in
                try db.all(
                    "SELECT DISTINCT subject, project FROM ledger_event WHERE subject IN (\(list: Array(chunk))) AND project IS NOT NULL"
                ) { (try $0.ref(0), try $0.text(1)) }
            }
            for (ref, project) in found { projects[ref] = project }
        }
        let mine = Set(projects.values.filter { principal.may(.readLineage, in: $0) })
        if let project = projects[ref], !mine.contains(project) {
            try principal.require(.readLineage, in: project)
        }
        let seen = edges.filter { edge in
            let ends = [edge.source, edge.target].compactMap { projects[$0] }
            return ends.allSatisfy(mine.contains) && (!ends.isEmpty || principal.may(.readLineage, in: nil))
        }
        if seen.isEmpty, projects[ref] == nil { try principal.require(.readLineage, in: nil) }
        return seen
    }
}

extension Array {
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
