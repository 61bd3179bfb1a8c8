import Core
import Database
import Ledger

extension ServingService {
    /// Feedback items a call.
    static let feedbackMaximum = 10_000
    static let feedbackValueBytes = 16 * 1024

    // MARK: Reading

    /// - Throws: `notFound`.
    public func prediction(_ id: String, as principal: Principal) async throws -> Prediction {
        await log.drain()
        guard let found = try await database.read({ [predictions] db in try predictions.prediction(db, id) }) else {
            throw SlipwayError.notFound(
                Ref(.prediction, id), hint: "It was not logged (see the endpoint's logRate), or the id is wrong.")
        }
        try principal.require(.readPredictions, in: found.project)
        return found
    }

    /// A page of an endpoint's predictions of `[from, to)`, newest first.
    public func predictions(
        of endpoint: String, from: Timestamp? = nil, to: Timestamp? = nil, _ page: PageRequest, as principal: Principal
    ) async throws -> Page<Prediction> {
        try await requireReader(of: endpoint, principal)
        await log.drain()
        let place = try page.after.map(Self.place)
        let found = try await database.read { [predictions] db in
            try predictions.predictions(
                db, endpoint: endpoint, from: from, to: to, newestFirst: true, after: place, limit: page.limit + 1)
        }
        return Page(
            rows: found.filter { principal.may(.readPredictions, in: $0.project) }, limit: page.limit,
            keys: { [.int($0.time.milliseconds), .string($0.id)] })
    }

    /// What was told about predictions, ordered by prediction and row. Unknown ids have none.
    public func feedback(predictionIDs ids: [String], as principal: Principal) async throws -> [Feedback] {
        let (extents, found) = try await database.read { [predictions] db in
            (try predictions.extents(db, ids), try predictions.feedback(db, ids))
        }
        return found.filter { feedback in
            extents[feedback.predictionID].map { principal.may(.readPredictions, in: $0.project) } ?? false
        }
    }

    /// Walks an endpoint's predictions of `[from, to)`, oldest first, in memory that does not grow with their number.
    public func walk(
        _ endpoint: String, from: Timestamp? = nil, to: Timestamp? = nil, batch: Int = 500, as principal: Principal,
        _ body: ([Prediction]) async throws -> Void
    ) async throws {
        try await requireReader(of: endpoint, principal)
        await log.drain()
        var place: PredictionStore.Place?
        while true {
            try Task.checkCancellation()
            let after = place
            let found = try await database.read { [predictions] db in
                try predictions.predictions(
                    db, endpoint: endpoint, from: from, to: to, newestFirst: false, after: after, limit: batch)
            }
            guard let last = found.last else { return }
            try await body(found.filter { principal.may(.readPredictions, in: $0.project) })
            place = PredictionStore.Place(time: last.time, id: last.id)
        }
    }

    /// `walk`, joined with the feedback on each prediction.
    public func walkJudged(
        _ endpoint: String, from: Timestamp? = nil, to: Timestamp? = nil, batch: Int = 500, as principal: Principal,
        _ body: ([JudgedPrediction]) async throws -> Void
    ) async throws {
        try await walk(endpoint, from: from, to: to, batch: batch, as: principal) { found in
            let ids = found.map(\.id)
            let told = try await database.read { [predictions] db in try predictions.feedback(db, ids) }
            let byID = Dictionary(grouping: told, by: \.predictionID)
            try await body(found.map { JudgedPrediction(prediction: $0, feedback: byID[$0.id] ?? []) })
        }
    }

    /// An endpoint that was deleted has no project to ask for; its predictions have theirs, and are filtered by it.
    private func requireReader(of name: String, _ principal: Principal) async throws {
        do {
            try principal.require(.readPredictions, in: try await endpoint(name, as: .system).project)
        } catch let error as SlipwayError where error.code == .notFound {
            let hasAny = try await database.read { db in
                try db.exists("SELECT 1 FROM prediction WHERE endpoint = \(name) LIMIT 1")
            }
            guard hasAny else { throw error }
        }
    }

    private static func place(_ cursor: Cursor) throws -> PredictionStore.Place {
        guard cursor.keys.count == 2, let time = cursor.keys[0].intValue, let id = cursor.keys[1].stringValue else {
            throw SlipwayError.field(
                "after", "is not a cursor of predictions", expected: "the 'next' of the page before")
        }
        return PredictionStore.Place(time: Timestamp(milliseconds: time), id: id)
    }

    // MARK: Feedback

    /// Records what turned out to be true. The same prediction and row again replaces the value; all items are taken, or
    /// none.
    ///
    /// - Throws: `notFound` naming a prediction that was not logged; `invalid` for a row that it does not have.
    public func tell(_ items: [Feedback], as principal: Principal) async throws {
        guard items.count <= Self.feedbackMaximum else {
            throw SlipwayError(
                .tooLarge, "items: there are \(items.count); send at most \(Self.feedbackMaximum) at a time.",
                details: ["field": "items", "limit": String(Self.feedbackMaximum)])
        }
        for (index, item) in items.enumerated() where item.value.canonicalBytes.count > Self.feedbackValueBytes {
            throw SlipwayError(
                .tooLarge, "items[\(index)].value is over \(Self.feedbackValueBytes) bytes.",
                details: ["field": "items[\(index)].value"])
        }
        await log.drain()
        try await database.write { [predictions] db in
            let extents = try predictions.extents(db, Array(Set(items.map(\.predictionID))))
            for (index, item) in items.enumerated() {
                guard let extent = extents[item.predictionID] else {
                    throw SlipwayError(
                        .notFound,
                        "items[\(index)].predictionId: there is no prediction \(item.predictionID.prefix(80)) in the log.",
                        details: ["field": "items[\(index)].predictionId"])
                }
                try principal.require(.writeFeedback, in: extent.project)
                guard (0..<max(1, extent.rowCount)).contains(item.row) else {
                    throw SlipwayError.field(
                        "items[\(index)].row", "\(item.row) is out of range",
                        expected: "0 to \(max(1, extent.rowCount) - 1)")
                }
                try predictions.put(db, item, by: principal.name)
            }
        }
    }

    // MARK: Lineage

    /// A prediction was made by a version of a model; the ledger's own edges go on from there.
    var lineage: LineageSource {
        LineageSource(kinds: [.prediction]) { [self] ref, direction in
            guard direction == .upstream else { return [] }
            await log.drain()
            guard let found = try await database.read({ [predictions] db in try predictions.prediction(db, ref.name) })
            else { return [] }
            return [LineageEdge(source: found.model, target: ref, relation: "predicted-by")]
        }
    }
}
