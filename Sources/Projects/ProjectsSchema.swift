import Database

enum ProjectsSchema {
    static let migrations = [
        Migration(
            "projects/0001-projects",
            """
            CREATE TABLE project (
                name TEXT PRIMARY KEY,
                owner TEXT NOT NULL,
                description TEXT NOT NULL,
                created_ms BIGINT NOT NULL
            );
            CREATE TABLE project_goal (
                project TEXT NOT NULL REFERENCES project (name),
                name TEXT NOT NULL,
                target DOUBLE PRECISION NOT NULL,
                is_relative BOOLEAN NOT NULL,
                PRIMARY KEY (project, name)
            );
            CREATE TABLE project_measurement (
                project TEXT NOT NULL,
                goal TEXT NOT NULL,
                measured_ms BIGINT NOT NULL,
                value DOUBLE PRECISION NOT NULL,
                evidence TEXT,
                PRIMARY KEY (project, goal, measured_ms)
            );
            """)
    ]
}
