import Core

/// The environment variables of a step: the contract between Slipway and the code that it runs.
public struct StepEnvironment: Sendable {
    /// Where the step finds its inputs, by name.
    public var inputs: [String: String]
    /// Where it puts its outputs, by name.
    public var outputs: [String: String]
    public var params: [String: JSONValue]
    /// Where it finds a JSON file with all of `params`.
    public var paramsPath: String
    /// Slipway's own address, such as `http://127.0.0.1:5000`.
    public var serverURL: String
    /// The step's own token; it ends with the run.
    public var token: Secret<String>
    public var project: String
    /// The pipeline run's id.
    public var run: String
    public var experiment: String
    /// From the definition; they cannot replace any of the others.
    public var variables: [String: String]

    public init(
        inputs: [String: String], outputs: [String: String], params: [String: JSONValue], paramsPath: String,
        serverURL: String,
        token: Secret<String>, project: String, run: String, experiment: String, variables: [String: String]
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.params = params
        self.paramsPath = paramsPath
        self.serverURL = serverURL
        self.token = token
        self.project = project
        self.run = run
        self.experiment = experiment
        self.variables = variables
    }

    public var all: [String: String] {
        var all = variables
        for (name, path) in inputs { all["SLIPWAY_INPUT_\(Self.suffix(name))"] = path }
        for (name, path) in outputs { all["SLIPWAY_OUTPUT_\(Self.suffix(name))"] = path }
        for (name, value) in params { all["SLIPWAY_PARAM_\(Self.suffix(name))"] = Template.text(of: value) }
        all["SLIPWAY_PARAMS"] = paramsPath
        all["SLIPWAY_URL"] = serverURL
        all["SLIPWAY_TOKEN"] = token.reveal
        all["SLIPWAY_PROJECT"] = project
        all["SLIPWAY_RUN"] = run
        all["MLFLOW_TRACKING_URI"] = serverURL
        all["MLFLOW_TRACKING_TOKEN"] = token.reveal
        all["MLFLOW_EXPERIMENT_NAME"] = experiment
        return all
    }

    /// The file at `paramsPath`.
    public var paramsFile: String { JSONValue.object(params).prettyText }

    /// `daily-sales.v2` becomes `DAILY_SALES_V2`.
    public static func suffix(_ name: String) -> String {
        String(
            decoding: name.utf8.map { byte in
                switch byte {
                case 97...122: byte - 32
                case UInt8(ascii: "-"), UInt8(ascii: "."): UInt8(ascii: "_")
                default: byte
                }
            }, as: UTF8.self)
    }

    /// - Throws: `invalid` when two names would share a variable.
    static func checkCollisions(_ names: [String], field: String) throws {
        for (suffix, same) in Dictionary(grouping: names, by: suffix) where same.count > 1 {
            let shown = same.sorted().map { "'\($0)'" }.joined(separator: " and ")
            throw SlipwayError.field(
                field, "\(shown) would share the variable …_\(suffix)",
                expected: "names that differ in more than case, '-', '_' and '.'")
        }
    }

    /// - Throws: `invalid` for a variable that the definition may not set.
    static func validateOwn(_ name: String, field: String) throws {
        let letters = name.utf8.allSatisfy { byte in
            (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
                || byte == UInt8(ascii: "_")
        }
        guard letters, let first = name.utf8.first, !(48...57).contains(first) else {
            throw SlipwayError.field(
                field, "'\(name.prefix(80))' is not a variable name",
                expected: "letters, digits and '_', no digit first")
        }
        let reserved =
            name.hasPrefix("SLIPWAY_")
            || ["MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_EXPERIMENT_NAME"].contains(name)
        guard !reserved else {
            throw SlipwayError.field(
                field, "\(name) is set by Slipway", expected: "another name; a step's own values belong into its params"
            )
        }
    }
}
