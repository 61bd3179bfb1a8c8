import Core
import Tracking

/// Where a version's files come from, parsed from the URI that the client registers.
public enum ModelSource: Sendable, Hashable {
    /// `models:/m-1f…`: a logged model.
    case loggedModel(id: String)
    /// `models:/NAME/3` or `models:/NAME@champion`: a copy of another version.
    case version(name: String, selector: String)
    /// `runs:/RUN/path`, or a run's folder in `mlflow-artifacts:`; the path is empty for the run's whole artifact root.
    case run(id: String, path: String)
    /// `pipeline-runs:/RUN/STEP/OUTPUT`: what a step of a pipeline left as a model.
    case pipelineRun(id: String, step: String, output: String)
    /// Some other place, which Slipway remembers and does not read.
    case elsewhere(String)

    /// What MLflow's clients give as the source of a prompt's version.
    private static let ofPrompts: Set<String> = ["prompt-template", "dummy-source"]

    /// Parses a source.
    ///
    /// - Throws: `invalid` for malformed URIs of the kinds above, and for paths that leave their folder.
    public init(parsing text: String) throws {
        func fail(_ expected: String) -> SlipwayError {
            .field("source", "'\(text.prefix(200))' is not usable", expected: expected)
        }
        guard !text.isEmpty, text.utf8.count <= 4096, !text.unicodeScalars.contains(where: { $0.value < 32 }) else {
            throw fail("a URI such as runs:/RUN/model or models:/m-ID")
        }
        if let rest = Self.rest(of: text, scheme: "models") {
            let parts = rest.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            if parts.count == 1, let at = rest.lastIndex(of: "@") {
                self = .version(name: String(rest[..<at]), selector: String(rest[rest.index(after: at)...]))
            } else if parts.count == 1, rest.hasPrefix("m-") {
                self = .loggedModel(id: rest)
            } else if parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty {
                self = .version(name: parts[0], selector: parts[1])
            } else {
                throw fail("models:/m-ID, models:/NAME/VERSION or models:/NAME@ALIAS")
            }
        } else if let rest = Self.rest(of: text, scheme: "runs") {
            let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let id = parts.first, !id.isEmpty else { throw fail("runs:/RUN/path") }
            self = .run(id: id, path: try Self.folder(parts.count > 1 ? parts[1] : ""))
        } else if let rest = Self.rest(of: text, scheme: "pipeline-runs") {
            let parts = rest.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else {
                throw fail("pipeline-runs:/RUN/STEP/OUTPUT")
            }
            self = .pipelineRun(id: parts[0], step: parts[1], output: parts[2])
        } else if text.hasPrefix("mlflow-artifacts:") {
            self = try Self.artifacts(text, fail)
        } else if Self.ofPrompts.contains(text) {
            // It leads nowhere: a prompt is all in its tags.
            self = .elsewhere(text)
        } else {
            try OutsideLocation.validate(text, field: "source")
            self = .elsewhere(text)
        }
    }

    /// `mlflow-artifacts:/EXPERIMENT/RUN/artifacts/path` or `…/EXPERIMENT/models/m-ID/artifacts`, with or without a host.
    private static func artifacts(_ text: String, _ fail: (String) -> SlipwayError) throws -> ModelSource {
        var rest = text.dropFirst("mlflow-artifacts:".count)
        if rest.hasPrefix("//") { rest = rest.dropFirst(2).drop { $0 != "/" } }
        let path = String(rest.drop { $0 == "/" })
        guard let place = try? ArtifactLocation.parse(path.hasSuffix("/") ? String(path.dropLast()) : path) else {
            throw fail(
                "mlflow-artifacts:/EXPERIMENT/RUN/artifacts/path or mlflow-artifacts:/EXPERIMENT/models/m-ID/artifacts")
        }
        switch place.owner {
        case .run(let id): return .run(id: id, path: place.path?.description ?? "")
        case .model(let id):
            guard place.path == nil else { throw fail("the folder of the logged model itself") }
            return .loggedModel(id: id)
        }
    }

    private static func rest(of text: String, scheme: String) -> String? {
        guard text.hasPrefix(scheme + ":/") else { return nil }
        return String(text.dropFirst(scheme.count + 1).drop { $0 == "/" })
    }

    private static func folder(_ text: String) throws -> String {
        let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
        return trimmed.isEmpty ? "" : try RelativePath(parsing: trimmed, field: "source").description
    }
}
