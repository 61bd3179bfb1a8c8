import Core
import Web

/// HTTP in, HTTP out.
struct ProjectsRoutes {
    let service: ProjectsService

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/projects", .signedIn, "Projects, by name.",
                query: [.init("limit", "Rows a page."), .init("after", "The 'next' of the previous page.")]
            ) { request in
                .page(try await service.list(request.page(), as: request.principal), \.json)
            },
            Route(
                .post, "/api/v1/projects", .createProjects, "Creates a project with its charter.",
                body: .json([
                    .init("name", "A name."), .init("owner?", "An account; oneself by default."),
                    .init("description?", "What it is about."),
                    .init("goals?", "Goals as text: waste=-9%."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["name", "owner", "description", "goals"])
                let project = try await service.create(
                    name: body.string("name"), owner: body.optionalString("owner"),
                    description: body.optionalString("description") ?? "",
                    goals: body.strings("goals").map(Goal.init(parsing:)), as: request.principal)
                return .json(project.json, status: 201)
            },
            Route(
                .get, "/api/v1/projects/{project}", .readProjects, "One project with its goals and their newest values."
            ) { request in
                .json(try await service.get(request.parameter("project"), as: request.principal).json)
            },
            Route(
                .post, "/api/v1/projects/{project}/goals/{goal}/measurements", .measureGoals,
                "Records a measured value of a goal.",
                body: .json([
                    .init("value", "In the goal's unit; -0.09 for −9 %."), .init("evidence?", "The ref that shows it."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["value", "evidence"])
                try await service.measure(
                    request.parameter("project"), goal: request.parameter("goal"), value: body.double("value"),
                    evidence: body.optionalRef("evidence"), as: request.principal)
                return .noContent
            },
            Route(
                .get, "/api/v1/projects/{project}/goals/{goal}/measurements", .readProjects,
                "A goal's values, newest first."
            ) { request in
                let rows = try await service.measurements(
                    request.parameter("project"), goal: request.parameter("goal"), as: request.principal)
                return .json([
                    "items": .array(
                        rows.map {
                            [
                                "time": JSONValue($0.time), "value": .number($0.value),
                                "evidence": JSONValue($0.evidence),
                            ]
                        })
                ])
            },
        ]
    }
}
