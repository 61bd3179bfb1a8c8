import Core
import Inference
import Serving
import Web

/// MLflow's scoring server: `/invocations` and `/ping`.
struct Scoring {
    let serving: ServingService

    /// MLflow's error form.
    static let wire = Wire(name: "mlflow-scoring") { error, _ in
        let code =
            switch error.code {
            case .invalid, .tooLarge: "BAD_REQUEST"
            case .unauthenticated: "UNAUTHENTICATED"
            case .forbidden: "PERMISSION_DENIED"
            case .notFound: "RESOURCE_DOES_NOT_EXIST"
            case .conflict: "INVALID_STATE"
            case .rateLimited: "REQUEST_LIMIT_EXCEEDED"
            case .unavailable, .deadlineExceeded, .cancelled: "TEMPORARILY_UNAVAILABLE"
            case .unsupported: "NOT_IMPLEMENTED"
            case .internal: "INTERNAL_ERROR"
            }
        return .json(
            ["error_code": .string(code), "message": .string(error.message)], status: error.code.httpStatus)
    }

    private static let body = Route.Body.json([
        .init("dataframe_split?", "{columns, data}."), .init("dataframe_records?", "A list of objects."),
        .init("instances?", "A list of rows: objects, lists or values."),
        .init("inputs?", "A list, or an object of lists by input."), .init("params?", "Must be empty."),
    ])

    var routes: [Route] {
        [
            Route(
                .get, "/ping", .open, "Whether the server can answer requests (MLflow's scoring server).",
                wire: Self.wire
            ) {
                _ in
                try await serving.requireReady()
                return .text("\n")
            },
            Route(
                .post, "/invocations", .predict,
                "Asks a model in one of MLflow's forms: JSON with one of dataframe_split, dataframe_records, instances and inputs, or text/csv.",
                query: [
                    .init("endpoint", "The endpoint or registered model; needed unless there is exactly one endpoint.")
                ],
                body: Self.body, wire: Self.wire
            ) { request in
                var name = request.query("endpoint")
                if name == nil { name = try await serving.onlyEndpoint(as: request.principal) }
                guard let name else {
                    throw SlipwayError.field(
                        "endpoint", "is missing", expected: "?endpoint=NAME: this server has not just one endpoint")
                }
                return try await invoke(name, request)
            },
            Route(
                .post, "/endpoints/{name}/invocations", .predict, "Asks an endpoint in one of MLflow's forms.",
                body: Self.body, wire: Self.wire
            ) { request in
                try await invoke(request.parameter("name"), request)
            },
        ]
    }

    private func invoke(_ name: String, _ request: Request) async throws -> Response {
        let bytes = try await request.bytes(maximumBytes: InferenceRoutes.maximumBytes)
        let model = try await serving.served(name, as: request.principal, permission: .predict)
        let type = request.header("content-type")
        if model.isPython {
            let answer = try await serving.score(
                bytes, contentType: type ?? "application/json", frame: try? Self.frame(bytes, contentType: type),
                time: request.predictionTime, requestID: request.id, on: model, as: request.principal)
            return Response(
                status: answer.status, headers: [("Content-Type", answer.contentType)], body: .bytes(answer.body)
            ).naming(answer.predictionID)
        }
        let frame = try Self.frame(bytes, contentType: type)
        let bound = try FrameBinding(model).bind(frame)
        // The version that the inputs were made for answers, even if the name switches meanwhile.
        var call = InferenceCall(name: name, inputs: bound.tensors, requestID: request.id)
        call.columns = bound.columns
        call.time = try request.predictionTime
        let answer = try await serving.infer(call, on: model, as: request.principal)
        return Response.json(PredictionsJSON.write(answer.outputs, rows: frame.rowCount)).naming(answer.predictionID)
    }

    private static func frame(_ bytes: [UInt8], contentType: String?) throws -> Frame {
        let type = (contentType ?? "application/json").split(separator: ";").first.map {
            $0.filter { !$0.isWhitespace }.lowercased()
        }
        switch type {
        case "application/json": return try Frame(json: bytes)
        case "text/csv": return try Frame(csv: bytes)
        default:
            throw SlipwayError.field(
                "Content-Type", "'\((contentType ?? "").prefix(80))' is not taken",
                expected: "application/json or text/csv")
        }
    }
}
