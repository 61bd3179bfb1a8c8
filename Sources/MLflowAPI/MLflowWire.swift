import Core
import Web

extension Wire {
    /// MLflow's errors: `{"error_code", "message", "sqlstate", "error_class"}`. Its clients act on `error_code`.
    public static let mlflow = Wire(name: "mlflow") { error, _ in
        let kind = MLflowError(error)
        return .json(
            [
                "error_code": .string(kind.code), "message": .string(MLflowError.message(error)),
                "sqlstate": .string(kind.isFault ? "XXM00" : "KAM00"), "error_class": .string(kind.errorClass),
            ], status: kind.status)
    }

    /// Marks the error of a path that is no endpoint.
    static let endpointDetail = "endpoint"
}

/// MLflow's word for an error; the one table.
struct MLflowError {
    let code: String
    let status: Int
    let errorClass: String
    /// Whether it is the server's fault.
    var isFault: Bool { status >= 500 }

    init(_ error: SlipwayError) {
        (code, status, errorClass) =
            switch error.code {
            case .invalid, .tooLarge: ("INVALID_PARAMETER_VALUE", 400, "INVALID_PARAMETER_VALUE")
            case .unauthenticated: ("UNAUTHENTICATED", 401, "PERMISSION_DENIED")
            case .forbidden: ("PERMISSION_DENIED", 403, "PERMISSION_DENIED")
            case .notFound where error.details[Wire.endpointDetail] != nil:
                ("ENDPOINT_NOT_FOUND", 404, "RESOURCE_NOT_FOUND")
            case .notFound: ("RESOURCE_DOES_NOT_EXIST", 404, "RESOURCE_NOT_FOUND")
            // A conflict with the thing's own state is a bad parameter to MLflow; one with another thing says that it exists.
            case .conflict where error.details["state"] != nil:
                ("INVALID_PARAMETER_VALUE", 400, "INVALID_PARAMETER_VALUE")
            case .conflict: ("RESOURCE_ALREADY_EXISTS", 400, "RESOURCE_ALREADY_EXISTS")
            case .rateLimited: ("REQUEST_LIMIT_EXCEEDED", 429, "CP_REQUEST_RATE_LIMITED")
            case .deadlineExceeded: ("DEADLINE_EXCEEDED", 504, "CP_TEMPORARILY_UNAVAILABLE")
            case .cancelled: ("CANCELLED", 499, "CP_TEMPORARILY_UNAVAILABLE")
            case .unavailable: ("TEMPORARILY_UNAVAILABLE", 503, "CP_TEMPORARILY_UNAVAILABLE")
            case .unsupported: ("NOT_IMPLEMENTED", 501, "FEATURE_DISABLED")
            case .internal: ("INTERNAL_ERROR", 500, "CLIENT_INTERNAL_ERROR")
            }
    }

    /// Slipway says `run:X does not exist`; MLflow's clients know other words for it.
    static func message(_ error: SlipwayError) -> String {
        guard error.code == .notFound, let ref = error.ref, error.message.hasPrefix("\(ref) does not exist") else {
            return error.message
        }
        return switch ref.kind {
        case .run: "Run with id=\(ref.name) not found"
        case .experiment: "No Experiment with id=\(ref.name) exists"
        case .loggedModel: "Logged model with ID '\(ref.name)' not found."
        case .trace: "Trace with ID '\(ref.name)' not found."
        case .model where ref.version != nil:
            "Model Version (name=\(ref.name), version=\(ref.selector ?? "")) not found"
        case .model where ref.selector != nil: "Registered model alias \(ref.selector ?? "") not found."
        case .model: "Registered Model with name=\(ref.name) not found"
        default: error.message
        }
    }
}
