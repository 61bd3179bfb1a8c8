import Core
import Platform
import Web

/// Predictions and feedback over HTTP.
struct PredictionRoutes {
    let service: ServingService

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/predictions", .readPredictions, "Predictions of an endpoint, newest first.",
                query: [
                    .init("endpoint", "The endpoint."), .init("from", "At or after this time (RFC 3339)."),
                    .init("to", "Before this time."), .init("limit", "Rows a page."),
                    .init("after", "The 'next' of the previous page."),
                ]
            ) { request in
                guard let endpoint = request.query("endpoint") else {
                    throw SlipwayError.field(
                        "endpoint", "is missing", expected: "the name of an endpoint, as in ?endpoint=restock")
                }
                let page = try await service.predictions(
                    of: endpoint, from: request.query("from").map { try Timestamp(parsing: $0, field: "from") },
                    to: request.query("to").map { try Timestamp(parsing: $0, field: "to") }, request.page(),
                    as: request.principal)
                return .page(page, \.json)
            },
            Route(
                .get, "/api/v1/predictions/{id}", .readPredictions, "One prediction with the feedback on it."
            ) { request in
                let prediction = try await service.prediction(request.parameter("id"), as: request.principal)
                let told = try await service.feedback(predictionIDs: [prediction.id], as: request.principal)
                guard case .object(var fields) = prediction.json else { return .json(prediction.json) }
                fields["feedback"] = .array(told.map(\.json))
                return .json(.object(fields))
            },
            Route(
                .post, "/api/v1/feedback", .writeFeedback,
                "Tells what turned out to be true; the same prediction and row again replaces it. All items are taken, or none.",
                body: .json([.init("items", "{predictionId, row? (0), value, time? (now)}.")])
            ) { request in
                let body = try await request.json(allowed: ["items"])
                let now = service.platform.clock.now()
                let items = try body.array("items").enumerated().map { index, item in
                    let fields = try JSONFields(
                        item, allowed: ["predictionId", "row", "value", "time"], path: "items[\(index)]")
                    guard let value = fields["value"], !value.isNull else {
                        throw SlipwayError.field(
                            "items[\(index)].value", "is missing", expected: "what turned out to be true")
                    }
                    return Feedback(
                        predictionID: try fields.string("predictionId"), row: try fields.optionalInt("row") ?? 0,
                        value: value,
                        time: try fields.optionalString("time").map {
                            try Timestamp(parsing: $0, field: "items[\(index)].time")
                        }
                            ?? now)
                }
                try await service.tell(items, as: request.principal)
                return .json(["accepted": JSONValue(items.count)])
            },
        ]
    }
}
