import Core
import Web

/// HTTP in, HTTP out: union, append and join of different datasets.
struct CombineRoutes {
    let service: DatasetsService

    var routes: [Route] { [union, join] }

    private var union: Route {
        Route(
            .post, "/api/v1/datasets/{name}/union", .writeDatasets,
            "Makes a version with the rows of several datasets or slices below each other.",
            body: .json([
                .init("inputs", "Refs: [\"dataset:a\", \"slice:b\"]."),
                .init("schema?", "strict (default), common, fill, cast, or two of them: fill,cast."),
                .init("types?", "By column: {\"price\": \"DOUBLE\"}."),
                .init("source?", "The name of a column that says where a row is from."),
                .init("append?", "true: onto the rows that the branch has, with its columns."),
                .init("project?", "The project of a dataset that is new."), .init("message?", "Why."),
                .init("branch?", "main by default."),
            ])
        ) { request in
            let body = try await request.json(allowed: [
                "inputs", "schema", "types", "source", "append", "project", "message", "branch",
            ])
            let combined = try await service.union(
                .init(
                    dataset: request.parameter("name"),
                    project: body.optionalString("project") ?? request.project,
                    inputs: body.strings("inputs").map { try Ref(parsing: $0) },
                    choices: .init(parsing: body.optionalString("schema") ?? "strict"),
                    types: Self.types(body), sourceColumn: body.optionalString("source"),
                    isAppend: body.bool("append", default: false), message: body.optionalString("message") ?? "",
                    branch: body.optionalString("branch") ?? Dataset.mainBranch), as: request.principal)
            return .json(combined.json, status: combined.isNew ? 201 : 200)
        }
    }

    private var join: Route {
        Route(
            .post, "/api/v1/datasets/{name}/join", .writeDatasets,
            "Makes a version with the columns of two datasets or slices side by side.",
            body: .json([
                .init("left", "A ref."), .init("right", "A ref."),
                .init("on", "Columns to match: [\"store\"], or {\"store\": \"store_id\"} if they differ."),
                .init("how?", "left (default), inner, right, full, semi, anti."),
                .init("relationship?", "many-to-one (default), one-to-one, one-to-many, many-to-many."),
                .init("suffix?", "For columns of the right that the left has too."),
                .init("schema?", "strict (default) or cast, if the types of the key differ."),
                .init("project?", "The project of a dataset that is new."), .init("message?", "Why."),
                .init("branch?", "main by default."),
            ])
        ) { request in
            let body = try await request.json(allowed: [
                "left", "right", "on", "how", "relationship", "suffix", "schema", "project", "message", "branch",
            ])
            let combined = try await service.join(
                .init(
                    dataset: request.parameter("name"),
                    project: body.optionalString("project") ?? request.project, left: body.ref("left"),
                    right: body.ref("right"), on: Self.on(body),
                    how: Self.choice(body, "how") ?? .left,
                    relationship: Self.choice(body, "relationship") ?? .manyToOne,
                    suffix: body.optionalString("suffix"),
                    isCasting: SchemaReconciliation.Choices(parsing: body.optionalString("schema") ?? "strict")
                        .contains(.cast),
                    message: body.optionalString("message") ?? "",
                    branch: body.optionalString("branch") ?? Dataset.mainBranch), as: request.principal)
            return .json(combined.json, status: combined.isNew ? 201 : 200)
        }
    }

    private static func on(_ body: JSONFields) throws -> [(left: String, right: String)] {
        if body["on"]?.objectValue != nil {
            return try body.stringMap("on").sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
        return try body.strings("on").map { ($0, $0) }
    }

    private static func choice<T: RawRepresentable & CaseIterable>(_ body: JSONFields, _ name: String) throws -> T?
    where T.RawValue == String {
        guard let text = try body.optionalString(name) else { return nil }
        guard let value = T(rawValue: text) else {
            throw SlipwayError.field(
                name, "'\(text.prefix(40))' is not known",
                expected: T.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    /// Types are SQL that goes into a query, so only names of types pass.
    private static func types(_ body: JSONFields) throws -> [String: String] {
        let types = try body.stringMap("types")
        for (column, type) in types {
            let isPlain = type.utf8.allSatisfy {
                ($0 | 32 >= 97 && $0 | 32 <= 122) || ($0 >= 48 && $0 <= 57) || [32, 40, 41, 44].contains($0)
            }
            guard isPlain, (1...64).contains(type.utf8.count) else {
                throw SlipwayError.field(
                    "types.\(column)", "'\(type.prefix(80))' is not a type", expected: "such as BIGINT or DECIMAL(9,2)")
            }
        }
        return types.mapValues { $0.uppercased() }
    }
}
