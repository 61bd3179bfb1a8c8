import Core
import Platform
import Tables
import Web

/// HTTP in, HTTP out: contracts and reports.
struct QualityRoutes {
    let service: DatasetsService

    private static let yaml = "application/yaml"
    private static let base = "/api/v1/datasets/{name}/contract"

    var routes: [Route] {
        [
            Route(
                .get, Self.base, .signedIn, "The contract of a dataset.",
                query: [.init("number", "An earlier one; the newest by default.")]
            ) { request in
                let number = try request.query("number").map { text in
                    guard let number = Int(text) else {
                        throw SlipwayError.field("number", "'\(text.prefix(40))' is not a whole number")
                    }
                    return number
                }
                let stored = try await service.contract(
                    request.parameter("name"), number: number, as: request.principal)
                if request.header("accept")?.contains("yaml") == true { return .text(stored.yaml, type: Self.yaml) }
                return .json(stored.json)
            },
            Route(
                .put, Self.base, .governDatasets, "Sets the contract of a dataset (YAML).",
                body: .bytes(type: Self.yaml)
            ) { request in
                let text = try await Self.text(request)
                guard text.contains(where: { !$0.isWhitespace }) else {
                    throw SlipwayError(.invalid, "The contract is empty; DELETE ends it.")
                }
                let (stored, notes) = try await service.setContract(
                    request.parameter("name"), yaml: text, as: request.principal)
                var fields = stored?.json.objectValue ?? [:]
                fields["notes"] = JSONValue(notes)
                return .json(.object(fields))
            },
            Route(.delete, Self.base, .governDatasets, "Ends the contract; earlier ones stay readable.") { request in
                _ = try await service.setContract(request.parameter("name"), yaml: "", as: request.principal)
                return .noContent
            },
            Route(
                .post, Self.base + "/suggest", .signedIn, "Drafts a contract from a version's profile (YAML).",
                query: [.init("version", "A version, tag or branch; the head of main by default.")]
            ) { request in
                let ref = Ref(.dataset, request.parameter("name"), selector: request.query("version"))
                return .text(try await service.suggestContract(ref, as: request.principal), type: Self.yaml)
            },
            Route(
                .post, Self.base + "/check", .signedIn,
                "Checks without keeping anything: a version (no body), a draft of a contract (YAML), or rows (Parquet, CSV, JSON lines) as if they were appended.",
                query: [
                    .init("version", "What to check; the head of main by default."),
                    .init("branch", "Onto which branch rows would be appended; main by default."),
                    .init("encoding", "Of CSV: utf-8, latin-1 or utf-16."),
                ], body: .bytes(type: Self.yaml)
            ) { request in .json(try await check(request).json) },
            Route(
                .get, "/api/v1/datasets/{name}/versions/{version}/quality", .signedIn,
                "The report on the contract that is kept with a version."
            ) { request in
                .json(try await service.quality(VersionsRoutes.ref(request), as: request.principal))
            },
        ]
    }

    private func check(_ request: Request) async throws -> QualityReport {
        let name = request.parameter("name")
        let type = request.header("content-type")?.split(separator: ";").first.map { $0.lowercased() } ?? ""
        let ref = Ref(.dataset, name, selector: request.query("version"))
        if type.contains("yaml") {
            return try await service.checkContract(ref, draft: Self.text(request), as: request.principal)
        }
        if request.body.contentLength == 0 || type.isEmpty {
            return try await service.checkContract(ref, draft: nil, as: request.principal)
        }
        return try await service.checkRows(
            name, body: request.body, format: VersionsRoutes.format(request),
            encoding: VersionsRoutes.encoding(request.query("encoding")),
            branch: request.query("branch") ?? Dataset.mainBranch, as: request.principal)
    }

    private static func text(_ request: Request) async throws -> String {
        guard let text = String(validating: try await request.bytes(), as: UTF8.self) else {
            throw SlipwayError(.invalid, "The contract is not UTF-8 text.")
        }
        return text
    }
}
