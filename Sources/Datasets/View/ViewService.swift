import Core
import Database
import Ledger
import Objects
import Platform
import Tables

extension DatasetsService {
    /// What a query sees of a version: its Parquet files on this machine; of a version of files, one row for each.
    public func input(_ version: DatasetVersion, name: String) async throws -> TableInput {
        if version.kind == .files { return try await filesInput(version, name: name) }
        let files = try await files(of: version)
        var paths: [String] = []
        for file in files { paths.append(try await platform.objects.localPath(file.digest)) }
        return TableInput(name: name, files: paths, labels: files.map { "\(version.ref)/\($0.path)" }, format: .parquet)
    }

    /// One SELECT over versions and slices.
    ///
    /// - Parameter timeoutSeconds: nil for a minute.
    public func query(
        _ sql: String, inputs: [String: Ref], parameters: [JSONValue], limit: Int, timeoutSeconds: Double? = nil,
        as principal: Principal
    ) async throws -> TableResult {
        let binding = try await bind(inputs, as: principal)
        return try await platform.tables.query(
            binding.sql(sql), parameters: parameters.map { TableValue($0) }, inputs: binding.inputs, maxRows: limit,
            timeoutSeconds: timeoutSeconds, for: .query(principal))
    }

    /// The same as a stream; without a limit, all rows.
    func stream(
        _ sql: String, inputs: [String: Ref], parameters: [JSONValue], limit: Int?, as format: RowFormat,
        by principal: Principal
    ) async throws -> TableStream {
        let binding = try await bind(inputs, as: principal)
        return try await platform.tables.stream(
            binding.sql(sql), parameters: parameters.map { TableValue($0) }, inputs: binding.inputs, as: format,
            maxRows: limit, for: .query(principal))
    }

    /// Counts, nulls, quantiles, histograms, top values; computed once a version and kept.
    public func profile(_ ref: Ref, as principal: Principal) async throws -> JSONValue {
        if ref.kind == .slice {
            let rows = try await rows(of: ref, name: "data", as: principal)
            return try await platform.tables.profile(of: rows.input, for: .query(principal)).json
        }
        let version = try await resolve(ref, as: principal)
        try await requirePersonalData(version, as: principal)
        if let known = try await platform.database.read({ [store] in try store.profile($0, version) }) { return known }
        let profile = try await platform.tables.profile(of: input(version, name: "data"), for: .query(principal)).json
        try await platform.database.write { [store] in try store.setProfile($0, version, profile) }
        return profile
    }
}
