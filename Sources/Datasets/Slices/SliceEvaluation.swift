import Core
import Database
import Ledger
import Objects
import Platform
import Tables

/// A slice with those that it is a slice of, from the dataset up.
struct SliceChain {
    private(set) var slices: [Slice]

    init(slice: Slice) { slices = [slice] }

    func with(_ slice: Slice) -> SliceChain {
        var chain = self
        chain.slices.append(slice)
        return chain
    }

    /// What the lowest is over: a dataset.
    var base: Ref { slices[0].over }
    var top: Slice { slices[slices.count - 1] }

}

/// What evaluating a slice takes.
struct SlicePlan {
    let version: DatasetVersion
    let chain: SliceChain
    /// The dataset's rows, and tables of predictions.
    let inputs: [TableInput]
    /// The SELECT of the rows.
    let sql: String
    /// The same as one condition, where rows are chosen one by one, so that evaluating costs no more than a scan.
    let condition: String?
    /// What the slice holds: equal digests, equal rows.
    let digest: Digest
}

/// The rows of a dataset version or of a slice as a table.
public struct BoundRows: Sendable {
    /// The exact version; of a slice, the exact version of both (`slice:weekend@2.5`).
    public let ref: Ref
    public let version: DatasetVersion
    public let slice: Slice?
    public let input: TableInput
    public let digest: Digest
}

extension DatasetsService {
    func chain(_ ref: Ref, as principal: Principal) async throws -> SliceChain {
        var slices = [try await slice(ref, as: principal)]
        while let last = slices.last, last.over.kind == .slice {
            guard slices.count < Self.sliceDepthMaximum else {
                throw SlipwayError(.invalid, "\(ref) is a slice of more than \(Self.sliceDepthMaximum) others.")
            }
            slices.append(try await slice(last.over, as: principal))
        }
        var chain = SliceChain(slice: slices[slices.count - 1])
        for slice in slices.dropLast().reversed() { chain = chain.with(slice) }
        return chain
    }

    func plan(_ ref: Ref, name: String, as principal: Principal) async throws -> SlicePlan {
        try await plan(
            chain(ref, as: principal), datasetVersion: SliceSelector(ref.selector).datasetVersion, name: name,
            as: principal)
    }

    /// - Parameter name: what the table of the dataset's rows is called; the others begin with it and `__`.
    func plan(_ chain: SliceChain, datasetVersion: Int?, name: String, as principal: Principal) async throws
        -> SlicePlan
    {
        let base = datasetVersion.map { Ref(.dataset, chain.top.dataset, version: $0) } ?? chain.base
        let version = try await resolve(base, as: principal)
        try await requirePersonalData(version, as: principal)
        let dataset = try await dataset(version.dataset, as: principal)
        let builder = SliceSQL(columns: version.columns, key: dataset.key)
        var inputs = [try await input(version, name: name)]
        var table = DuckSQL.name(name)
        var sql = ""
        var conditions: [String?] = []
        var recipe: [JSONValue] = [.string(version.digest.hex)]
        for (depth, slice) in chain.slices.enumerated() {
            var predictions: (table: String, columns: [TableColumn])?
            var parts: JSONValue = slice.rule.json
            if case .wrong(let wrong) = slice.rule {
                let made = try await resolve(wrong.predictions, as: principal)
                inputs.append(try await input(made, name: "\(name)__\(depth)"))
                predictions = (DuckSQL.name("\(name)__\(depth)"), made.columns)
                parts = ["rule": parts, "predictions": .string(made.digest.hex)]
            }
            sql = try builder.select(slice.rule, from: table, predictions: predictions)
            conditions.append(try builder.condition(slice.rule))
            table = "(\(sql)\n)"
            recipe.append(["rule": parts, "key": JSONValue(dataset.key)])
        }
        var digest = Digest.of(JSONValue.array(recipe).canonicalText)
        if chain.slices.count == 1, case .condition(let condition) = chain.top.rule {
            // As it was before slices had other rules, so that what was pinned then is found again.
            digest = Digest.of(version.digest.hex + " " + condition)
        }
        let all = conditions.compactMap { $0 }
        return SlicePlan(
            version: version, chain: chain, inputs: inputs, sql: sql,
            condition: all.count == conditions.count ? all.map { "(\($0)\n)" }.joined(separator: " AND ") : nil,
            digest: digest)
    }

    /// The Parquet file with a slice's rows, made once for what it holds.
    func evaluated(_ plan: SlicePlan) async throws -> String {
        try await tableCache.path(of: plan.digest) { path in
            do {
                _ = try await platform.tables.write(
                    plan.sql, parameters: [], inputs: plan.inputs, to: path, timeoutSeconds: Self.writeSeconds)
            } catch let error as SlipwayError where error.code == .invalid {
                // The rule was tried out when the slice was made; the dataset is another since.
                throw SlipwayError(
                    .invalid, "\(plan.chain.top.ref) does not fit \(plan.version.ref) any more. \(error.message)",
                    details: error.details, ref: plan.chain.top.ref)
            }
        }
    }

    /// The rows of a dataset version or a slice as one table. A slice is evaluated when it was not yet.
    public func rows(of ref: Ref, name: String, as principal: Principal) async throws -> BoundRows {
        guard ref.kind == .slice else {
            let version = try await resolve(ref, as: principal)
            try await requirePersonalData(version, as: principal)
            return BoundRows(
                ref: version.ref, version: version, slice: nil, input: try await input(version, name: name),
                digest: version.digest)
        }
        let plan = try await plan(ref, name: name, as: principal)
        let exact = try await pinned(plan)
        return BoundRows(
            ref: exact, version: plan.version, slice: plan.chain.top,
            input: TableInput(
                name: name, files: [try await evaluated(plan)], labels: [exact.description], format: .parquet),
            digest: plan.digest)
    }

    /// Inputs of a query by name, and the refs with their numbers fixed. A slice becomes its rows.
    func bind(_ named: [String: Ref], as principal: Principal) async throws -> Binding {
        var binding = Binding()
        for (name, ref) in named.sorted(by: { $0.key < $1.key }) {
            try Name.validate(name, field: "inputs")
            guard ref.kind == .slice else {
                let version = try await resolve(ref, as: principal)
                try await requirePersonalData(version, as: principal)
                binding.versions[name] = version
                binding.inputs.append(try await input(version, name: name))
                continue
            }
            let plan = try await plan(ref, name: name + "__all", as: principal)
            binding.versions[name] = plan.version
            binding.slices[name] = plan
            if plan.condition != nil {
                binding.inputs += plan.inputs
                binding.tables[name] = plan.sql
            } else {
                binding.inputs.append(
                    TableInput(
                        name: name, files: [try await evaluated(plan)], labels: [ref.description], format: .parquet))
            }
        }
        return binding
    }

    struct Binding {
        var inputs: [TableInput] = []
        var versions: [String: DatasetVersion] = [:]
        var slices: [String: SlicePlan] = [:]
        /// Slices that are evaluated with the query, as their SELECT.
        var tables: [String: String] = [:]

        /// The query with the slices put before it.
        func sql(_ query: String) -> String {
            guard !tables.isEmpty else { return query }
            let list = tables.sorted { $0.key < $1.key }.map { "\(DuckSQL.name($0)) AS (\($1)\n)" }
            return "WITH \(list.joined(separator: ", ")) SELECT * FROM (\(query)\n)"
        }

        /// `sales=dataset:sales@3` for the recipe, each with the digest of its content.
        var recipeInputs: [String] {
            versions.sorted { $0.key < $1.key }.map { name, version in
                let slice =
                    slices[name].map { " \($0.chain.top.ref) [\($0.chain.top.rule.summary)] sha256:\($0.digest.hex)" }
                    ?? ""
                return "\(name)=dataset:\(version.dataset) sha256:\(version.digest.hex)\(slice)"
            }
        }

        var parents: [Ref] { versions.values.map(\.ref) + slices.values.map(\.chain.top.ref) }
    }

    /// Puts the Parquet files of a version or slice into a folder: hard links where the disk allows, else copies.
    ///
    /// - Returns: the version, and a digest of exactly what was put there.
    public func materialize(_ ref: Ref, to folder: String, as principal: Principal) async throws -> (
        version: DatasetVersion, digest: Digest
    ) {
        try makeFolder(folder)
        if ref.kind == .slice {
            let plan = try await plan(ref, name: "data", as: principal)
            try LocalFile.place(try await evaluated(plan), at: folder + "/part-00000.parquet", linking: true)
            return (plan.version, plan.digest)
        }
        let version = try await resolve(ref, as: principal)
        try await requirePersonalData(version, as: principal)
        for entry in try await entries(of: version) {
            try LocalFile.place(
                try await platform.objects.localPath(entry), at: folder + "/" + entry.path, linking: true)
        }
        return (version, version.digest)
    }

    /// The exact version (and slice) that a ref stands for now, and a digest of what it holds.
    public func pin(_ ref: Ref, as principal: Principal) async throws -> (ref: Ref, digest: Digest) {
        guard ref.kind == .slice else {
            let version = try await resolve(ref, as: principal)
            return (version.ref, version.digest)
        }
        let plan = try await plan(ref, name: "data", as: principal)
        return (try await pinned(plan), plan.digest)
    }

    /// The ref of exactly what a slice is now, which the lineage knows from here on.
    private func pinned(_ plan: SlicePlan) async throws -> Ref {
        let exact = SliceSelector.pinned(plan.chain.top, on: plan.version)
        let ledger = platform.ledger
        if try await ledger.lineage(of: exact, .upstream, depth: 1, limit: 1).isEmpty {
            try await platform.database.write { db in
                try ledger.link(db, exact, madeFrom: plan.chain.top.ref, "slice-of")
                try ledger.link(db, exact, madeFrom: plan.version.ref, "slice-of")
            }
        }
        return exact
    }
}
