import Core

/// What a version was made from and how: enough to make it again, and to say what differs if that fails.
public struct ModelRecipe: Sendable, Hashable {
    /// A dataset that the run read.
    public struct Input: Sendable, Hashable {
        /// `dataset:sales@3` when it is one of ours, else the name that the client gave.
        public let name: String
        public let digest: String?
        /// `training`, `validation` … if the client said.
        public let context: String?

        public init(name: String, digest: String?, context: String?) {
            self.name = name
            self.digest = digest
            self.context = context
        }

        /// The dataset version, when it is one of ours.
        public var ref: Ref? {
            (try? Ref(parsing: name)).flatMap { $0.kind == .dataset || $0.kind == .slice ? $0 : nil }
        }
    }

    public var inputs: [Input] = []
    public var code = Code()
    public var params: [String: String] = [:]
    /// The seed of randomness, if a parameter names one.
    public var seed: String?
    /// SHA-256 of each file that pins the environment (`requirements.txt`, `conda.yaml` …), by name; `python` is what was
    /// installed where a pipeline's step ran.
    public var environment: [String: Digest] = [:]
    /// The run's metrics when the version was registered.
    public var metrics: [String: Double] = [:]
    /// The version of the pipeline, its run and its step that made it.
    public var pipeline: Ref?
    public var pipelineRun: Ref?
    public var step: String?

    public init() {}

    /// Which code ran.
    public struct Code: Sendable, Hashable {
        public var gitCommit: String?
        public var gitBranch: String?
        public var gitRepository: String?
        /// Digest of the pipeline's uploaded code.
        public var pipelineCode: String?
        /// The file or notebook that started it.
        public var entryPoint: String?

        public init() {}
    }

    /// One digest for the environment as a whole; nil when nothing pins it.
    public var environmentDigest: Digest? {
        environment.isEmpty
            ? nil : Digest.of(environment.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined())
    }

    /// The parameters that name a seed, the first that is there counts.
    static let seedParameters = ["seed", "random_seed", "random_state", "randomState"]

    /// File names that pin an environment.
    static let environmentFiles: Set<String> = [
        "requirements.txt", "conda.yaml", "python_env.yaml", "environment.yml", "uv.lock", "poetry.lock", "renv.lock",
    ]
}

extension ModelRecipe {
    /// Fills what MLflow's and Slipway's tags on a run say.
    public mutating func readTags(_ tags: [String: String]) {
        code.gitCommit = tags["mlflow.source.git.commit"]
        code.gitBranch = tags["mlflow.source.git.branch"]
        code.gitRepository = tags["mlflow.source.git.repoURL"]
        code.entryPoint = tags["mlflow.source.name"]
        code.pipelineCode = tags["slipway.codeDigest"]
        pipelineRun = tags["slipway.pipelineRun"].flatMap {
            try? Ref(parsing: $0.contains(":") ? $0 : "pipeline-run:\($0)")
        }
        step = tags["slipway.step"]
    }

    /// Takes the parameters, and the seed from among them.
    public mutating func readParams(_ params: [String: String]) {
        self.params = params
        seed = Self.seedParameters.lazy.compactMap { params[$0] }.first { $0 != "None" }
    }

    public var json: JSONValue {
        [
            "inputs": .array(
                inputs.map {
                    ["name": .string($0.name), "digest": JSONValue($0.digest), "context": JSONValue($0.context)]
                }),
            "code": [
                "gitCommit": JSONValue(code.gitCommit), "gitBranch": JSONValue(code.gitBranch),
                "gitRepository": JSONValue(code.gitRepository),
                "pipelineCode": JSONValue(code.pipelineCode), "entryPoint": JSONValue(code.entryPoint),
            ],
            "params": JSONValue(params), "seed": JSONValue(seed),
            "environment": JSONValue(environment.mapValues(\.hex)),
            "environmentDigest": JSONValue(environmentDigest?.hex), "metrics": MetricMap.json(metrics),
            "pipeline": JSONValue(pipeline?.description), "pipelineRun": JSONValue(pipelineRun?.description),
            "step": JSONValue(step),
        ]
    }

    /// Reads what `json` wrote.
    init(stored value: JSONValue) throws {
        let fields = try JSONFields(value)
        inputs = try fields.array("inputs").map { item in
            let input = try JSONFields(item)
            return Input(
                name: try input.string("name"), digest: try input.optionalString("digest"),
                context: try input.optionalString("context"))
        }
        let stored = try JSONFields(value["code"] ?? [:])
        code.gitCommit = try stored.optionalString("gitCommit")
        code.gitBranch = try stored.optionalString("gitBranch")
        code.gitRepository = try stored.optionalString("gitRepository")
        code.pipelineCode = try stored.optionalString("pipelineCode")
        code.entryPoint = try stored.optionalString("entryPoint")
        params = try fields.stringMap("params")
        seed = try fields.optionalString("seed")
        environment = try fields.stringMap("environment").mapValues { try Digest(parsing: $0) }
        metrics = try MetricMap.parse(value["metrics"] ?? [:], field: "metrics")
        pipeline = try fields.optionalRef("pipeline")
        pipelineRun = try fields.optionalRef("pipelineRun")
        step = try fields.optionalString("step")
    }
}
