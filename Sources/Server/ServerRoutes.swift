import Core
import Database
import Ledger
import Objects
import Platform
import Tables
import Web

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension Permission {
    static let readMetrics = Permission("server.metrics", .readers)
    static let collectGarbage = Permission("objects.collect", [.owner, .operator])
}

/// Health, metrics and the OpenAPI document.
struct ServerRoutes {
    let platform: Platform

    /// The routes, given all others (the document lists them).
    func routes(with others: [Route]) -> [Route] {
        let own = [
            Route(.get, "/health", .open, "Answers OK when the server is ready and its database answers.") { _ in
                _ = try await platform.database.read { db in try db.one("SELECT 1") { try $0.int(0) } }
                return .text("OK")
            },
            Route(.get, "/metrics", .readMetrics, "Prometheus' text format.") { _ in
                .text(platform.prometheus.render(), type: "text/plain; version=0.0.4; charset=utf-8")
            },
            Route(.get, "/api/v1/server", .signedIn, "Version, database, and what is there of the native libraries.") {
                _ in
                .json([
                    "version": .string(Server.version), "database": .string(platform.database.dialect.rawValue),
                    "tables": JSONValue(platform.tables.availability ?? "ok"),
                ])
            },
            Route(
                .post, "/api/v1/objects/collect", .collectGarbage,
                "Removes objects that no manifest or tree holds; says what it frees and whose it was.",
                body: .json([
                    .init("dryRun?", "true (default) only says what would go."),
                    .init("graceSeconds?", "Younger objects stay; a day by default."),
                ])
            ) { request in
                try request.principal.require(.collectGarbage, in: nil)
                let body = try await request.json(allowed: ["dryRun", "graceSeconds"])
                let grace = try body.optionalDouble("graceSeconds") ?? 86_400
                guard grace >= 0 else { throw SlipwayError.field("graceSeconds", "is negative", expected: "seconds") }
                let report = try await platform.objects.collectGarbage(
                    in: platform.database, graceSeconds: grace, dryRun: body.bool("dryRun", default: true))
                return .json([
                    "dryRun": .bool(report.isDryRun), "examined": JSONValue(report.examined),
                    "removed": JSONValue(report.removed),
                    "removedBytes": .int(report.removedBytes), "kept": JSONValue(report.young),
                    "leftovers": JSONValue(report.leftovers),
                    "owners": .array(
                        report.owners.map {
                            ["owner": .string($0.owner), "objects": JSONValue($0.objects), "bytes": .int($0.bytes)]
                        }),
                ])
            },
        ]
        let placeholder = Route(.get, "/api/v1/openapi.json", .open, "This document.") { _ in .noContent }
        let document = OpenAPI.document(others + own + [placeholder], version: Server.version).canonicalBytes
        return own + [Route(.get, "/api/v1/openapi.json", .open, "This document.") { _ in .json(document) }]
    }

    /// Memory and processor time of this process, from /proc.
    static func processGauges() -> [(name: String, help: String, labels: [(String, String)], value: Double)] {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(
                usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        return [
            ("process_resident_memory_bytes", "Resident memory.", [], Double(residentBytes())),
            ("process_cpu_seconds_total", "Processor time, user and system.", [], seconds),
        ]
    }

    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 256)
        guard fgets(&buffer, 256, file) != nil else { return 0 }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
            * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
