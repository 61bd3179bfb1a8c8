import Core
import Inference
import Serving
import Web

/// The Open Inference Protocol's REST form (kserve/open-inference-protocol, V2) with the extension `binary_tensor_data`.
struct OpenInference {
    let serving: ServingService
    let version: String

    /// `{"error": "…"}`.
    static let wire = Wire(name: "open-inference") { error, _ in
        .json(["error": .string(error.message)], status: error.code.httpStatus)
    }

    private static let inferBody = Route.Body.json([
        .init("id?", "Comes back in the answer."), .init("inputs", "Tensors: name, shape, datatype, data."),
        .init("outputs?", "The outputs to compute; all by default."),
        .init("parameters?", "'columns': the names of the columns of the only input, for the log."),
    ])

    var routes: [Route] {
        server + model
    }

    private var server: [Route] {
        [
            Route(.get, "/v2", .open, "Server metadata (Open Inference Protocol).", wire: Self.wire) { _ in
                .json([
                    "name": "slipway", "version": .string(version), "extensions": ["binary_tensor_data"],
                ])
            },
            Route(.get, "/v2/health/live", .open, "Whether the server runs.", wire: Self.wire) { _ in
                .json(["live": true])
            },
            Route(.get, "/v2/health/ready", .open, "Whether the server can answer requests.", wire: Self.wire) { _ in
                try await serving.requireReady()
                return .json(["ready": true])
            },
        ]
    }

    /// Each with and without a version in the path.
    private var model: [Route] {
        ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"].flatMap { path in
            let hasVersion = path.hasSuffix("{version}")
            @Sendable func number(_ request: Request) throws -> Int? {
                hasVersion ? try request.intParameter("version") : nil
            }
            return [
                Route(.get, path, .readEndpoints, "A model's inputs and outputs; loads it if need be.", wire: Self.wire)
                {
                    request in
                    let model = try await serving.served(
                        request.parameter("model"), version: number(request), as: request.principal)
                    return .json(
                        InferenceJSON.writeMetadata(
                            name: model.name, versions: [String(model.version)], inputs: model.inputs,
                            outputs: model.outputs))
                },
                Route(
                    .get, path + "/ready", .readEndpoints, "Whether a model can answer; loads it if need be.",
                    wire: Self.wire
                ) { request in
                    let model = try await serving.served(
                        request.parameter("model"), version: number(request), as: request.principal)
                    return .json(["name": .string(model.name), "ready": true])
                },
                Route(
                    .post, path + "/infer", .predict, "Asks a model. The prediction's id is in X-Slipway-Prediction.",
                    body: Self.inferBody, wire: Self.wire
                ) { request in
                    try await infer(request, version: number(request))
                },
            ]
        }
    }

    private func infer(_ request: Request, version: Int?) async throws -> Response {
        let body = try await request.bytes(maximumBytes: InferenceRoutes.maximumBytes)
        let asked = try InferenceJSON.parseRequest(
            body, headerLength: try Self.headerLength(request), missing: .nan)
        var call = InferenceCall(
            name: request.parameter("model"), version: version, inputs: asked.inputs, requestID: request.id)
        call.outputs = asked.outputNames
        call.columns = try Self.columns(asked)
        call.time = try request.predictionTime
        let answer = try await serving.infer(call, as: request.principal)
        let written = InferenceJSON.writeResponse(
            modelName: call.name, modelVersion: String(answer.version), id: asked.id ?? answer.predictionID,
            outputs: answer.outputs, isBinary: asked.wantsBinary)
        var response = Response.json(written.bytes)
        if let length = written.headerLength {
            response.headers = [
                ("Content-Type", "application/octet-stream"), (InferenceJSON.headerLengthField, String(length)),
            ]
        }
        return response.naming(answer.predictionID)
    }

    private static func headerLength(_ request: Request) throws -> Int? {
        guard let text = request.header(InferenceJSON.headerLengthField) else { return nil }
        guard let length = Int(text), length >= 0 else {
            throw SlipwayError.field(
                InferenceJSON.headerLengthField, "'\(text.prefix(40))' is not usable", expected: "a number of bytes")
        }
        return length
    }

    private static func columns(_ asked: InferenceRequest) throws -> [String]? {
        guard let value = asked.parameters["columns"] else { return nil }
        let names = value.arrayValue?.compactMap(\.stringValue)
        guard let names, names.count == value.arrayValue?.count, let input = asked.inputs.first,
            asked.inputs.count == 1,
            input.shape.count == 2, input.shape[1] == names.count
        else {
            throw SlipwayError.field(
                "parameters.columns", "does not fit the inputs",
                expected: "one name for each column of the request's only input, a matrix")
        }
        return names
    }
}
