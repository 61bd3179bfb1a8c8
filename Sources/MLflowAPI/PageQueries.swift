import Core
import Registry
import Tracking
import Web

/// The three queries that MLflow's web page sends as GraphQL: one run, one experiment, a search for runs. Each is
/// answered from the same use cases as its REST twin, with the caller's permissions, and cut to the fields that were
/// asked for. This is no GraphQL server: a document has one operation, without fragments and aliases.
struct PageQueries: Sendable {
    static let maximumBytes = 64 << 10

    let mlflow: MLflowRoutes

    var route: Route {
        Route(
            .post, "/graphql", .readRuns, "MLflow: the queries of its web page.",
            body: .json([.init("query", "The document."), .init("variables?", "Its variables.")]), wire: .mlflow
        ) { request in
            let body = try JSONValue(parsing: try await request.bytes(maximumBytes: Self.maximumBytes))
            guard let text = body["query"]?.stringValue else {
                throw SlipwayError.field("query", "is missing", expected: "a GraphQL document")
            }
            let selection = try Selection.parse(text)
            let variables = body["variables"]?["data"] ?? body["variables"]?["input"] ?? [:]
            var data: [String: JSONValue] = [:]
            for field in selection {
                let found = try await resolve(field.name, variables, as: request.principal)
                data[field.name] = Self.cut(found, to: field, in: "")
            }
            return .json(["data": .object(data)])
        }
    }

    private func resolve(_ name: String, _ input: JSONValue, as principal: Principal) async throws -> JSONValue {
        do {
            switch name {
            case "mlflowGetExperiment":
                guard let id = input["experimentId"]?.stringValue else {
                    throw SlipwayError.field("experimentId", "is missing", expected: "an experiment's id")
                }
                return ["experiment": try await experiment(id, principal)]
            case "mlflowGetRun":
                guard let id = input["runId"]?.stringValue ?? input["runUuid"]?.stringValue else {
                    throw SlipwayError.field("runId", "is missing", expected: "a run's id")
                }
                return ["run": try await extended(mlflow.tracking.run(id, as: principal), principal)]
            case "mlflowSearchRuns":
                var search = RunSearch(
                    experiments: (input["experimentIds"]?.arrayValue ?? []).compactMap(\.stringValue))
                search.filter = try Filter.parse(input["filter"]?.stringValue ?? "")
                search.limit = 100
                var runs: [JSONValue] = []
                for run in try await mlflow.tracking.searchRuns(search, as: principal).items {
                    runs.append(try await extended(run, principal))
                }
                return ["runs": .array(runs)]
            default:
                throw SlipwayError(
                    .unsupported, "The query \(name.prefix(100)) is not here; MLflow's REST API has what it asks.")
            }
        } catch let error as SlipwayError where error.code == .notFound || error.code == .invalid {
            let kind = MLflowError(error)
            return ["api_error": ["code": .string(kind.code), "message": .string(MLflowError.message(error))]]
        }
    }

    private func experiment(_ id: String, _ principal: Principal) async throws -> JSONValue {
        let experiment = try await mlflow.tracking.experiment(id, as: principal)
        return try Self.value { $0.fields(of: experiment) }
    }

    /// A run with its experiment and the versions that were registered from it.
    private func extended(_ run: Run, _ principal: Principal) async throws -> JSONValue {
        var fields = try Self.value { $0.fields(of: run) }.objectValue ?? [:]
        fields["experiment"] = try await experiment(run.info.experiment, principal)
        let versions = try await mlflow.registry.searchVersions(
            "run_id = '\(run.info.id)'", order: [], PageRequest(limit: 100), as: principal)
        fields["model_versions"] = .array(
            try versions.items.map { version in try Self.value { $0.fields(of: version) } })
        return .object(fields)
    }

    private static func value(_ body: (inout JSONWriter) -> Void) throws -> JSONValue {
        var writer = JSONWriter()
        writer.object(body)
        return try JSONValue(parsing: writer.bytes)
    }

    // MARK: The answer's form

    private static let lists: Set<String> = [
        "metrics", "params", "tags", "dataset_inputs", "model_inputs", "model_outputs", "model_versions", "runs",
    ]

    /// The fields that were asked for, in GraphQL's spelling. Whole numbers are text, as MLflow's schema has them, but for
    /// the values of metrics.
    private static func cut(_ value: JSONValue, to field: Selection, in parent: String) -> JSONValue {
        switch value {
        case .array(let items): return .array(items.map { cut($0, to: field, in: parent) })
        case .object(let fields):
            var out: [String: JSONValue] = [:]
            for child in field.children {
                let name = snakeCase(child.name)
                out[child.name] =
                    child.name == "__typename"
                    ? .string("Mlflow" + field.name.prefix(1).uppercased() + field.name.dropFirst())
                    : fields[name].map { cut($0, to: child, in: field.name) } ?? (lists.contains(name) ? [] : .null)
            }
            return .object(out)
        case .int(let number): return parent == "metrics" && field.name == "value" ? value : .string(String(number))
        case .string where parent == "metrics" && field.name == "value": return .null  // NaN, which GraphQL has not
        default: return value
        }
    }

    private static func snakeCase(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }
}

/// A field of a GraphQL document and what is asked of it (GraphQL specification, October 2021, 2.4 and 2.5).
struct Selection: Hashable {
    let name: String
    let children: [Selection]

    private static let maximumDepth = 16

    /// The fields of the only operation.
    ///
    /// - Throws: `invalid` for what this reader does not take.
    static func parse(_ text: String) throws -> [Selection] {
        var reader = Reader(tokens: tokens(text)[...])
        while let token = reader.tokens.first, token != "{" { try reader.skip() }
        let fields = try reader.fields(depth: 0)
        guard reader.tokens.isEmpty else { throw refusal("has more than one operation") }
        return fields
    }

    private static func refusal(_ problem: String) -> SlipwayError {
        .field("query", problem, expected: "one operation of fields, without fragments and aliases")
    }

    private static func tokens(_ text: String) -> [Substring] {
        var tokens: [Substring] = []
        var at = text.startIndex
        while at < text.endIndex {
            let character = text[at]
            var next = text.index(after: at)
            if character.isWhitespace || character == "," {
                at = next
                continue
            }
            if character == "\"" {
                while next < text.endIndex, text[next] != "\"" { next = text.index(after: next) }
                if next < text.endIndex { next = text.index(after: next) }
            } else if character.isLetter || character == "_" {
                while next < text.endIndex, text[next].isLetter || text[next].isNumber || text[next] == "_" {
                    next = text.index(after: next)
                }
            }
            tokens.append(text[at..<next])
            at = next
        }
        return tokens
    }

    private struct Reader {
        var tokens: ArraySlice<Substring>

        mutating func take() throws -> Substring {
            guard !tokens.isEmpty else { throw refusal("ends too early") }
            return tokens.removeFirst()
        }

        /// One token, or what is in parentheses.
        mutating func skip() throws {
            guard try take() == "(" else { return }
            while try take() != ")" {}
        }

        mutating func fields(depth: Int) throws -> [Selection] {
            guard depth < maximumDepth else { throw refusal("is nested too deeply") }
            guard try take() == "{" else { throw refusal("has no fields") }
            var fields: [Selection] = []
            while tokens.first != "}" {
                let name = try take()
                guard let first = name.first, first.isLetter || first == "_", tokens.first != ":" else {
                    throw refusal("has '\(name.prefix(20))' where a field is expected")
                }
                while let token = tokens.first, token == "(" || token == "@" {
                    try skip()
                    if token == "@" { try skip() }
                }
                fields.append(
                    Selection(
                        name: String(name), children: tokens.first == "{" ? try self.fields(depth: depth + 1) : []))
            }
            _ = try take()
            return fields
        }
    }
}
