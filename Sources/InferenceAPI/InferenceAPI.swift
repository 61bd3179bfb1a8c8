import Core
import Serving
import Web

/// The wires of other servers over the same endpoints: the Open Inference Protocol's REST form (V2) and MLflow's scoring
/// server.
public struct InferenceRoutes: Sendable {
    let serving: ServingService
    let version: String

    /// Tensors may be large; the body is read whole.
    static let maximumBytes = 64 << 20

    /// - Parameter version: Slipway's own, for `GET /v2`.
    public init(serving: ServingService, version: String = "dev") {
        self.serving = serving
        self.version = version
    }

    public var routes: [Route] {
        OpenInference(serving: serving, version: version).routes + Scoring(serving: serving).routes
    }
}

extension Request {
    /// `X-Slipway-Time`: when the prediction is said to be made.
    var predictionTime: Timestamp? {
        get throws { try header("x-slipway-time").map { try Timestamp(parsing: $0, field: "X-Slipway-Time") } }
    }
}

extension Response {
    /// Says under which id the prediction is in the log.
    func naming(_ predictionID: String?) -> Response {
        predictionID.map { header("X-Slipway-Prediction", $0) } ?? self
    }
}
