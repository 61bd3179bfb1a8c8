import Core

/// Everything that decides what a step makes. Two steps with equal recipes are the same work: the recipe's digest is the
/// key of the cache, and the record of how an output came to be.
public struct StepRecipe: Hashable, Sendable {
    public var command: [String]
    /// Of the pipeline's code folder; nil if there is none.
    public var code: Digest?
    /// What stands for the Python environment: a digest over what is installed in it. nil if none is used.
    public var environment: String?
    /// What each input held: the digest of its manifest.
    public var inputs: [String: Digest]
    public var params: [String: JSONValue]
    /// Names of outputs and what becomes of them.
    public var outputs: [String: StepOutput]
    public var variables: [String: String]

    public init(
        command: [String], code: Digest?, environment: String?, inputs: [String: Digest], params: [String: JSONValue],
        outputs: [String: StepOutput], variables: [String: String]
    ) {
        self.command = command
        self.code = code
        self.environment = environment
        self.inputs = inputs
        self.params = params
        self.outputs = outputs
        self.variables = variables
    }

    public init(_ step: ResolvedStep, code: Digest?, environment: String?, inputs: [String: Digest]) {
        self.init(
            command: step.command, code: code, environment: environment, inputs: inputs, params: step.params,
            outputs: step.outputs,
            variables: step.variables)
    }

    /// The canonical form, version 1: a field that is nil is null, and empty ones stay, so that the text is always complete.
    public var json: JSONValue {
        [
            "recipe": 1, "command": JSONValue(command), "code": JSONValue(code?.hex),
            "environment": JSONValue(environment),
            "inputs": JSONValue(inputs.mapValues(\.hex)), "params": .object(params),
            "outputs": JSONValue(outputs.mapValues(\.text)),
            "variables": JSONValue(variables),
        ]
    }

    /// SHA-256 over the canonical text of `json`.
    public var digest: Digest { Digest.of(json.canonicalBytes) }
}
