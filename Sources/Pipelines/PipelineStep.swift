import Core

/// Where an input comes from. The text of a ref may still hold placeholders.
public enum StepInput: Hashable, Sendable {
    /// An output of another step of the same run.
    case step(String, output: String)
    /// `dataset:sales@latest`, `slice:perishable`, `model:restock@champion`.
    case ref(String)

    static let kinds: [RefKind] = [.dataset, .slice, .model]

    /// - Throws: `invalid`, naming `field`.
    init(parsing text: String, field: String) throws {
        if text.hasPrefix("steps.") {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, parts.allSatisfy(PipelineStep.isValidName) else {
                throw SlipwayError.field(field, "'\(text.prefix(80))' is not usable", expected: "steps.STEP.OUTPUT")
            }
            self = .step(parts[1], output: parts[2])
        } else {
            let template = try Template(parsing: text, field: field)
            if template.placeholders.isEmpty { _ = try Self.ref(text, field: field) }
            self = .ref(text)
        }
    }

    /// The ref of an input's text, once its placeholders are filled in.
    static func ref(_ text: String, field: String) throws -> Ref {
        let ref = try? Ref(parsing: text)
        guard let ref, kinds.contains(ref.kind) else {
            throw SlipwayError.field(
                field, "'\(text.prefix(80))' is not usable",
                expected: "steps.STEP.OUTPUT, or a ref such as dataset:sales@latest, slice:NAME or model:NAME@champion")
        }
        return ref
    }

    var json: JSONValue {
        switch self {
        case .step(let step, let output): .string("steps.\(step).\(output)")
        case .ref(let text): .string(text)
        }
    }
}

/// What becomes of an output.
public enum StepOutput: Hashable, Sendable {
    /// A folder for later steps; kept as long as the run.
    case folder
    /// Its files become a new version of this dataset. The name may hold placeholders.
    case dataset(String)
    /// Its files become a new version of this model.
    case model(String)

    init(_ value: JSONValue, field: String) throws {
        let expected = "dir, dataset:NAME or model:NAME"
        let text: String
        switch value {
        case .string(let given): text = given
        case .object(let fields):
            guard fields.count == 1, let (kind, name) = fields.first, let name = name.stringValue else {
                throw SlipwayError.field(field, "is not usable", expected: expected)
            }
            text = "\(kind):\(name)"
        default: throw SlipwayError.field(field, "is \(value.kindName)", expected: expected)
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count) {
        case ("dir", 1): self = .folder
        case ("dataset", 2): self = .dataset(try Self.name(parts[1], field: field))
        case ("model", 2): self = .model(try Self.name(parts[1], field: field))
        default: throw SlipwayError.field(field, "'\(text.prefix(80))' is not usable", expected: expected)
        }
    }

    private static func name(_ text: String, field: String) throws -> String {
        try Template(parsing: text, field: field).placeholders.isEmpty ? Name.validate(text, field: field) : text
    }

    /// The text with which it is written.
    public var text: String {
        switch self {
        case .folder: "dir"
        case .dataset(let name): "dataset:\(name)"
        case .model(let name): "model:\(name)"
        }
    }
}

/// One step of a pipeline, as written; placeholders are not filled in.
public struct PipelineStep: Hashable, Sendable {
    public let name: String
    /// The program and its arguments.
    public let run: [String]
    public let inputs: [String: StepInput]
    public let outputs: [String: StepOutput]
    /// What the step is told: values, or text with placeholders.
    public let params: [String: JSONValue]
    /// Steps that must have succeeded first, besides those whose outputs are inputs.
    public let needs: [String]
    /// How often it is tried again after a failure.
    public let retries: Int
    public let timeoutSeconds: Double
    public let memoryBytes: Int64?
    public let cpuCount: Double?
    /// Needed to reach Slipway itself, or anything else.
    public let network: Bool
    /// The name of a Python environment of the server, or the path of one; nil: the server's default.
    public let environment: String?
    /// Further environment variables.
    public let variables: [String: String]
    /// Whether an earlier run with the same recipe stands in for this one.
    public let cache: Bool

    public static let defaultTimeoutSeconds: Double = 3600
    static let fields: Set<String> = [
        "name", "run", "inputs", "outputs", "params", "needs", "retries", "timeout_seconds", "memory", "cpu", "network",
        "environment",
        "variables", "cache",
    ]
    /// Those that a pipeline's `defaults` may hold.
    static let defaultFields: Set<String> = [
        "retries", "timeout_seconds", "memory", "cpu", "network", "environment", "variables", "cache",
    ]

    /// Names of steps and outputs: no `.`, which separates them in `steps.STEP.OUTPUT`.
    static func isValidName(_ text: String) -> Bool { Name.isValid(text) && !text.contains(".") }

    static func validateName(_ text: String, field: String) throws -> String {
        guard isValidName(text) else {
            throw SlipwayError.field(
                field, "'\(text.prefix(80))' is not a valid name",
                expected: "letters, digits, '-' or '_', beginning with a letter or digit")
        }
        return text
    }

    /// - Parameter index: its place in the list, for messages when it has no name.
    init(_ value: JSONValue, index: Int, defaults: [String: JSONValue]) throws {
        let unnamed = "steps[\(index)]"
        guard case .object(let own) = value else {
            throw SlipwayError.field(unnamed, "is \(value.kindName)", expected: "a step with a name and a run")
        }
        name = try Self.validateName(try JSONFields(value, path: unnamed).string("name"), field: "\(unnamed).name")
        let path = "steps.\(name)"
        let fields = try JSONFields(.object(defaults.merging(own) { _, own in own }), allowed: Self.fields, path: path)
        run = try Self.command(fields["run"], field: "\(path).run")
        inputs = try fields.object("inputs").reduce(into: [:]) { inputs, item in
            let field = "\(path).inputs.\(item.key)"
            try Name.validate(item.key, field: field)
            guard let text = item.value.stringValue else {
                throw SlipwayError.field(field, "is \(item.value.kindName)", expected: "text")
            }
            inputs[item.key] = try StepInput(parsing: text, field: field)
        }
        outputs = try fields.object("outputs").reduce(into: [:]) { outputs, item in
            outputs[try Self.validateName(item.key, field: "\(path).outputs")] = try StepOutput(
                item.value, field: "\(path).outputs.\(item.key)")
        }
        params = try Self.params(fields["params"], field: "\(path).params")
        needs = try fields.strings("needs").map { try Self.validateName($0, field: "\(path).needs") }
        retries = try fields.optionalInt("retries") ?? 0
        guard (0...20).contains(retries) else {
            throw SlipwayError.field("\(path).retries", "\(retries) is out of range", expected: "0 to 20")
        }
        timeoutSeconds = try fields.optionalDouble("timeout_seconds") ?? Self.defaultTimeoutSeconds
        guard timeoutSeconds > 0, timeoutSeconds <= 30 * 86_400 else {
            throw SlipwayError.field(
                "\(path).timeout_seconds", "\(timeoutSeconds) is out of range", expected: "more than 0, at most 30 days"
            )
        }
        memoryBytes = try fields["memory"].flatMap { $0.isNull ? nil : try ByteSize.parse($0, field: "\(path).memory") }
        if let memoryBytes, memoryBytes < 16 << 20 {
            throw SlipwayError.field("\(path).memory", "\(memoryBytes) bytes is too little", expected: "at least 16MiB")
        }
        cpuCount = try fields.optionalDouble("cpu")
        if let cpuCount, !(cpuCount >= 0.01 && cpuCount <= 4096) {
            throw SlipwayError.field("\(path).cpu", "\(cpuCount) is out of range", expected: "0.01 to 4096 processors")
        }
        network = try fields.bool("network", default: false)
        environment = try Self.environment(fields["environment"], field: "\(path).environment")
        variables = try fields.stringMap("variables")
        for name in variables.keys { try StepEnvironment.validateOwn(name, field: "\(path).variables") }
        cache = try fields.bool("cache", default: true)
        try StepEnvironment.checkCollisions(Array(inputs.keys), field: "\(path).inputs")
        try StepEnvironment.checkCollisions(Array(outputs.keys), field: "\(path).outputs")
        try StepEnvironment.checkCollisions(Array(params.keys), field: "\(path).params")
    }

    private static func command(_ value: JSONValue?, field: String) throws -> [String] {
        let words: [String]
        switch value {
        case .string(let text): words = try ShellWords.split(text, field: field)
        case .array(let items):
            words = try items.enumerated().map { index, item in
                switch item {
                case .string(let text): return text
                case .int, .number, .bool: return item.canonicalText
                default: throw SlipwayError.field("\(field)[\(index)]", "is \(item.kindName)", expected: "text")
                }
            }
        case nil, .null: throw SlipwayError.field(field, "is missing", expected: "a command, as in \"python train.py\"")
        case let value?:
            throw SlipwayError.field(field, "is \(value.kindName)", expected: "a command as text, or a list of words")
        }
        guard let program = words.first, !program.isEmpty else {
            throw SlipwayError.field(field, "is empty", expected: "a command")
        }
        return words
    }

    /// `[horizon, alpha]` hands pipeline parameters on by name; a mapping says what each is.
    private static func params(_ value: JSONValue?, field: String) throws -> [String: JSONValue] {
        switch value {
        case nil, .null: return [:]
        case .array(let names):
            return try names.reduce(into: [:]) { params, name in
                guard let name = name.stringValue else {
                    throw SlipwayError.field(
                        field, "has \(name.kindName)", expected: "names of the pipeline's parameters")
                }
                params[try Name.validate(name, field: field)] = .string("${params.\(name)}")
            }
        case .object(let fields):
            for (name, value) in fields {
                try Name.validate(name, field: field)
                switch value {
                case .string(let text): _ = try Template(parsing: text, field: "\(field).\(name)")
                case .int, .number, .bool: break
                default:
                    throw SlipwayError.field(
                        "\(field).\(name)", "is \(value.kindName)", expected: "text, a number, true or false")
                }
            }
            return fields
        case let value?:
            throw SlipwayError.field(
                field, "is \(value.kindName)", expected: "a mapping, or a list of the pipeline's parameters")
        }
    }

    private static func environment(_ value: JSONValue?, field: String) throws -> String? {
        switch value {
        case nil, .null: return nil
        case .string(let text) where !text.isEmpty: return text
        case .object:
            let fields = try JSONFields(value ?? .null, allowed: ["python"], path: field)
            return try fields.string("python")
        default:
            throw SlipwayError.field(
                field, "is not usable", expected: "the name of a Python environment of the server, or its path")
        }
    }

    /// The steps whose outputs it takes, and those that it names in `needs`.
    public var dependencies: Set<String> {
        Set(needs).union(
            inputs.values.compactMap { input in
                if case .step(let step, _) = input { return step }
                return nil
            })
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "name": .string(name), "run": JSONValue(run), "retries": JSONValue(retries),
            "timeout_seconds": JSONValue(timeoutSeconds),
            "network": JSONValue(network), "cache": JSONValue(cache),
        ]
        if !inputs.isEmpty { fields["inputs"] = .object(inputs.mapValues(\.json)) }
        if !outputs.isEmpty { fields["outputs"] = .object(outputs.mapValues { .string($0.text) }) }
        if !params.isEmpty { fields["params"] = .object(params) }
        if !needs.isEmpty { fields["needs"] = JSONValue(needs) }
        if let memoryBytes { fields["memory"] = JSONValue(memoryBytes) }
        if let cpuCount { fields["cpu"] = JSONValue(cpuCount) }
        if let environment { fields["environment"] = .string(environment) }
        if !variables.isEmpty { fields["variables"] = JSONValue(variables) }
        return .object(fields)
    }
}
