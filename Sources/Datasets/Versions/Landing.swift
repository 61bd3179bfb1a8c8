import Core
import Database
import Objects
import Platform
import Tables

/// New rows, converted and stored, on their way to the end of a branch.
struct Landing: Sendable {
    let dataset: String
    let project: String
    let branch: String
    let part: Commit.StoredPart
    /// The columns that the part was written for; nil for a dataset without versions.
    let fits: [TableColumn]?
    let recipe: Recipe
    let parents: [Ref]
    let message: String
    var key: String?
    var also: (@Sendable (any Transaction, DatasetVersion) throws -> Void)?
}

extension DatasetsService {
    /// Puts a part behind the rows of a branch's newest version, whatever that is by then: the rows are converted once,
    /// however many others append at the same time. A tail of small files becomes one (see `Compaction`).
    ///
    /// - Returns: nil when the branch's columns are not those that the part was written for: convert it again.
    func land(_ landing: Landing, as principal: Principal) async throws -> (version: DatasetVersion, isNew: Bool)? {
        // Appends of this server queue up here; only other kinds of commits can still come in between.
        try await turns.take("land \(landing.dataset) \(landing.branch)") {
            for attempt in 1... {
                let base = try await newest(landing.dataset, landing.branch)
                guard base.map({ $0.columns == landing.fits }) ?? (landing.fits == nil) else { return nil }
                var commit = Commit(
                    dataset: landing.dataset, project: landing.project, branch: landing.branch,
                    stored: [landing.part], base: base, expects: .exactly(base?.number), recipe: landing.recipe,
                    parents: landing.parents, message: landing.message, key: landing.key, also: landing.also)
                if let base { try await compact(&commit, base, landing.part) }
                do {
                    return try await self.commit(commit, as: principal)
                } catch let error as SlipwayError
                    where error.code == .conflict && error.details["latest"] != nil && attempt < 20
                {}
            }
            throw SlipwayError(.conflict, "The dataset \(landing.dataset) changes too fast; try again.")
        }
    }

    /// Merges the tail of a version's files with a new part, if it is time.
    private func compact(_ commit: inout Commit, _ base: DatasetVersion, _ part: Commit.StoredPart) async throws {
        guard base.kind == .table else { return }
        let files = try await files(of: base)
        let count = Compaction.tail(files.map(\.sizeBytes) + [part.object.sizeBytes])
        guard count > 1 else { return }
        var paths: [String] = []
        for digest in files.suffix(count - 1).map(\.digest) + [part.object.digest] {
            paths.append(try await platform.objects.localPath(digest))
        }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let path = folder + "/part.parquet"
        // The columns of the new part: it has all of the older ones, and maybe more.
        let list = part.table.columns.map { DuckSQL.name($0.name) }.joined(separator: ", ")
        let table = try await platform.tables.write(
            "SELECT \(list) FROM data", parameters: [],
            inputs: [TableInput(name: "data", files: paths, format: .parquet)], to: path,
            timeoutSeconds: Self.writeSeconds)
        let object = try await platform.objects.put(file: path, move: true)
        (commit.stored, commit.arrivals) = ([.init(object: object, table: table)], [part])
        commit.replaces = (files.suffix(count - 1).map(\.path), table.rows - part.table.rows)
    }
}
