import Core
import Registry
import Tracking

/// Another tracking store, read by a command on the user's machine.
protocol ForeignStore: Sendable {
    /// Names the store in tags and in the ledger: without passwords, the same each time.
    var origin: String { get }
    /// What was passed over while reading.
    var findings: Findings { get }
    func totals() async throws -> ForeignTotals
    func experiments() async throws -> [ExperimentRecord]
    /// The runs of an experiment, deleted ones too, page by page.
    func runs(of experiment: String, _ body: ([ForeignRun]) async throws -> Void) async throws
    /// All points of these runs: by run, then by metric, then in the order of their steps.
    func points(of runs: [String], _ body: (_ run: String, _ key: String, MetricPoint) async throws -> Void)
        async throws
    func loggedModels(of experiment: String) async throws -> [ForeignModel]
    func models() async throws -> [ModelRecord]
    /// The files of a run or logged model.
    func files(at place: ArtifactPlace) async throws -> [ForeignFile]
    /// Copies a file that is not on this machine.
    func fetch(_ file: ForeignFile, to path: String) async throws
}

/// How much there is, for the time that is left; nil where counting would cost as much as reading.
struct ForeignTotals: Sendable {
    var runs: Int64?
    var points: Int64?
}

/// Where a run or logged model keeps its artifacts there.
struct ArtifactPlace: Sendable, Hashable {
    let owner: ArtifactOwner
    let uri: String

    /// Other clouds and disks stay where they are: MLflow's clients go there themselves.
    var stays: Bool {
        guard let colon = uri.range(of: ":/") else { return false }
        return !["file", "mlflow-artifacts", "http", "https"].contains(uri[..<colon.lowerBound].lowercased())
    }
}

struct ForeignRun: Sendable {
    var record: RunRecord
    let artifacts: String
}

struct ForeignModel: Sendable {
    var record: LoggedModelRecord
    let artifacts: String
}

/// A file that is an artifact there.
struct ForeignFile: Sendable, Hashable {
    /// From the artifacts' folder on.
    let path: String
    /// On this machine; empty when it must be fetched.
    let local: String
    /// Whose it is, when it must be fetched.
    var remote: ArtifactOwner?
}

extension String {
    func range(of text: String) -> Range<String.Index>? { ranges(of: text).first }
}

/// What of a version's source lies in a run or a logged model that comes along: `…/RUN/artifacts/model` is
/// `runs:/RUN/model`, `…/m-ID/artifacts` is `models:/m-ID`. Other places stay as they are.
enum VersionSource {
    static func translated(_ source: String) -> String {
        guard !source.hasPrefix("runs:/"), !source.hasPrefix("models:/") else { return source }
        let parts = source.split(separator: "/")
        guard let at = parts.lastIndex(of: "artifacts"), at > 0 else { return source }
        let owner = parts[at - 1]
        let rest = parts[(at + 1)...].joined(separator: "/")
        if owner.hasPrefix("m-"), owner.dropFirst(2).allSatisfy(\.isHexDigit), owner.utf8.count == 34 {
            return rest.isEmpty ? "models:/\(owner)" : source
        }
        guard owner.utf8.count == 32, owner.allSatisfy(\.isHexDigit), !rest.isEmpty else { return source }
        return "runs:/\(owner)/\(rest)"
    }
}
