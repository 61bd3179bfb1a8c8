import Core
import Database
import Platform
import Tables

/// What the registry shows to `slipway sql`.
enum RegistryTables {
    static let all: [SQLTable] = [models, versions, aliases]

    private static let name = SQLTable.Column("name", .varchar, repeats: true, "of the registered model")

    private static let models = SQLTable(
        "registered_models", "Registered models.", .readModels,
        [
            .init("name", .varchar), .init("project", .varchar, repeats: true), .init("owner", .varchar, repeats: true),
            .init("description", .varchar), .init("latest_version", .bigint), .init("creation_time", .timestamp),
            .init("last_updated_time", .timestamp),
        ],
        .whole { db, project, rows in
            try db.forEach(
                """
                SELECT name, owner, description, last_version, created_ms, updated_ms FROM registered_model
                WHERE project = \(project) AND deleted_ms IS NULL ORDER BY name
                """
            ) { row in
                try rows.text(row.text(0))
                try rows.text(project)
                try rows.text(row.text(1))
                try rows.text(row.text(2))
                for column in 3...5 { try rows.int(row.int(column)) }
                return true
            }
        })

    private static let versions = SQLTable(
        "model_versions", "Versions of registered models.", .readModels,
        [
            name, .init("version", .bigint), .init("owner", .varchar, repeats: true), .init("description", .varchar),
            .init("source", .varchar), .init("run_id", .varchar), .init("current_stage", .varchar, repeats: true),
            .init("creation_time", .timestamp), .init("last_updated_time", .timestamp),
        ],
        .whole { db, project, rows in
            try db.forEach(
                """
                SELECT m.name, v.version, v.owner, v.description, v.source, v.run_id, v.stage, v.created_ms, v.updated_ms
                FROM registered_model m JOIN model_version v ON v.model = m.id
                WHERE m.project = \(project) AND m.deleted_ms IS NULL AND v.deleted_ms IS NULL ORDER BY m.name, v.version
                """
            ) { row in
                try rows.text(row.text(0))
                try rows.int(row.int(1))
                for column in 2...6 { try rows.text(row.optionalText(column)) }
                try rows.int(row.int(7))
                try rows.int(row.int(8))
                return true
            }
        })

    private static let aliases = SQLTable(
        "model_aliases", "Which version an alias meant, and when: it means it still where until_time is NULL.",
        .readModels,
        [
            name, .init("alias", .varchar, repeats: true), .init("version", .bigint), .init("from_time", .timestamp),
            .init("until_time", .timestamp), .init("set_by", .varchar, repeats: true),
        ],
        .whole { db, project, rows in
            try db.forEach(
                """
                SELECT m.name, a.alias, a.version, a.from_ms, a.until_ms, a.set_by
                FROM registered_model m JOIN model_alias a ON a.model = m.id
                WHERE m.project = \(project) AND m.deleted_ms IS NULL ORDER BY m.name, a.alias, a.from_ms
                """
            ) { row in
                try rows.text(row.text(0))
                try rows.text(row.text(1))
                for column in 2...4 { try rows.int(row.optionalInt(column)) }
                try rows.text(row.text(5))
                return true
            }
        })
}
