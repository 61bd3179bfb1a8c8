import Core
import Platform
import Tables

/// Asks a contract's rules of some rows: all rules about single rows, shares of NULL and newest times in one pass over the
/// new rows; one query more for each key, foreign key and SQL rule; and for the examples of each rule that is broken.
///
/// Of rows that are appended, only these are read for everything but shares of NULL and keys (for which the kept rows'
/// columns in question are read too) and SQL rules that name `data`.
struct QualityCheck {
    let service: DatasetsService
    let subject: QualitySubject
    let now: Timestamp
    /// Who gets to see the examples.
    let principal: Principal

    func run(_ contract: Contract, number: Int?) async throws -> QualityReport {
        let started = Clock.monotonicNanoseconds()
        var results: [Int: QualityReport.Result] = [:]
        var counted: [Int] = []
        for (index, rule) in contract.rules.enumerated() {
            if let result = judgeWithoutRows(rule) { results[index] = result } else { counted.append(index) }
        }
        counted = counted.filter { index in
            let missing = contract.rules[index].columns.filter { subject.types[$0] == nil }
            guard let first = missing.first else { return true }
            // A missing column is reported once, by the rule that it be there; what is optional may be missing.
            if contract.rules[index].column == nil {
                results[index] = .init(
                    contract.rules[index], passed: false, scope: .none, problem: noColumn(first))
            }
            return false
        }
        try await countRows(counted.map { ($0, contract.rules[$0]) }, into: &results)
        for index in counted where results[index] == nil {
            let rule = contract.rules[index]
            do {
                results[index] = try await judge(rule)
            } catch let error as SlipwayError
                where [.invalid, .notFound, .forbidden, .unsupported].contains(error.code)
            {
                results[index] = .init(
                    rule, passed: false, scope: .none, problem: "cannot be checked: \(error.message)")
            }
        }
        return QualityReport(
            dataset: subject.dataset, contract: number, checked: now, newRows: subject.newRows,
            allRows: subject.newRows + subject.baseRows,
            seconds: Double(Clock.monotonicNanoseconds() - started) / 1e9,
            results: contract.rules.indices.compactMap { results[$0] })
    }

    // MARK: Nothing is read

    private func noColumn(_ name: String) -> String {
        "there is no column '\(name)'\(NearestName.hint(name, in: subject.columns.map(\.name)))"
    }

    private func judgeWithoutRows(_ rule: ContractRule) -> QualityReport.Result? {
        switch rule.check {
        case .present(let column):
            let isThere = subject.types[column] != nil
            return .init(rule, passed: isThere, scope: .none, problem: isThere ? nil : noColumn(column))
        case .onlyColumns(let names):
            let others = subject.columns.map(\.name).filter { !names.contains($0) }
            return .init(
                rule, passed: others.isEmpty, scope: .none,
                problem: others.isEmpty
                    ? nil : "the contract does not name \(others.prefix(20).joined(separator: ", "))")
        case .type(let column, let wanted):
            guard let type = subject.types[column] else { return nil }
            let fits = wanted.holds(type)
            return .init(
                rule, passed: fits, scope: .none,
                problem: fits ? nil : "the column is \(type), not \(wanted.description)")
        case .rows(let minimum, let maximum):
            let count = subject.newRows + subject.baseRows
            let fits = count >= Int64(minimum ?? 0) && count <= maximum.map(Int64.init) ?? .max
            var result = QualityReport.Result(
                rule, passed: fits, scope: .all,
                problem: fits
                    ? nil
                    : "the version has \(count) rows; expected \(minimum.map { "at least \($0)" } ?? "")\(minimum != nil && maximum != nil ? " and " : "")\(maximum.map { "at most \($0)" } ?? "")"
            )
            result.measured = ["rows": .int(count)]
            return result
        default: return nil
        }
    }

    // MARK: One pass

    /// Judges what a row of aggregates over the new rows can tell.
    private func countRows(
        _ rules: [(Int, ContractRule)], into results: inout [Int: QualityReport.Result]
    ) async throws {
        var asked: [(index: Int, rule: ContractRule, expression: String)] = []
        for (index, rule) in rules {
            do {
                switch rule.check {
                case .nulls(let column, _): asked.append((index, rule, "count(\(DuckSQL.name(column)))"))
                case .freshness(let column, _):
                    guard QualitySQL.isTime(subject.types[column] ?? "") else {
                        throw QualitySQL.Misfit(problem: "the column is \(subject.types[column] ?? ""), not a time")
                    }
                    asked.append((index, rule, "max(\(DuckSQL.name(column)))"))
                default:
                    guard let broken = try QualitySQL.broken(rule.check, subject.types) else { continue }
                    asked.append((index, rule, "count_if(\(broken))"))
                }
            } catch let misfit as QualitySQL.Misfit {
                results[index] = .init(rule, passed: false, scope: .none, problem: misfit.problem)
            }
        }
        var values: [Int: TableValue] = [:]
        for part in Self.parts(of: asked.map { ($0.index, $0.expression) }) {
            values.merge(try await count(part, rules: rules, into: &results)) { first, _ in first }
        }
        for (index, rule, _) in asked {
            guard let value = values[index] else { continue }
            switch rule.check {
            case .nulls(let column, let share):
                results[index] = try await judgeNulls(rule, column, share, present: value.intValue ?? 0)
            case .freshness(let column, let seconds):
                results[index] = try await judgeFreshness(rule, column, seconds, newest: value)
            default:
                let count = value.intValue ?? 0
                var result = QualityReport.Result(rule, passed: count == 0, count: count)
                if count > 0, let broken = try? QualitySQL.broken(rule.check, subject.types) {
                    result.examples = try await examples("new WHERE \(broken)", rule.columns)
                }
                results[index] = result
            }
        }
    }

    /// So many expressions go into one query, and so many bytes of them.
    private static let expressionsMaximum = 500
    private static let queryMaximumBytes = 128 * 1024

    private static func parts(of asked: [(Int, String)]) -> [[(index: Int, expression: String)]] {
        var parts: [[(index: Int, expression: String)]] = []
        var bytes = 0
        for (index, expression) in asked {
            bytes += expression.utf8.count
            if parts.isEmpty || bytes > queryMaximumBytes || parts[parts.count - 1].count >= expressionsMaximum {
                parts.append([])
                bytes = expression.utf8.count
            }
            parts[parts.count - 1].append((index, expression))
        }
        return parts
    }

    /// One pass for all. When that fails, each by itself, so that what is wrong with one rule does not hide the others.
    private func count(
        _ part: [(index: Int, expression: String)], rules: [(Int, ContractRule)],
        into results: inout [Int: QualityReport.Result]
    ) async throws -> [Int: TableValue] {
        do {
            let row =
                try await query(
                    "SELECT \(part.map(\.expression).joined(separator: ", ")) FROM new", [subject.new], limit: 1
                ).first ?? []
            return Dictionary(zip(part.map(\.index), row)) { first, _ in first }
        } catch let error as SlipwayError where error.code == .invalid || error.code == .tooLarge {
            if part.count == 1 {
                if let rule = rules.first(where: { $0.0 == part[0].index })?.1 {
                    results[part[0].index] = .init(
                        rule, passed: false, scope: .none, problem: "cannot be checked: \(error.message)")
                }
                return [:]
            }
            var values: [Int: TableValue] = [:]
            for item in part {
                values.merge(try await count([item], rules: rules, into: &results)) { first, _ in first }
            }
            return values
        }
    }

    private func judgeNulls(
        _ rule: ContractRule, _ column: String, _ share: Double, present: Int64
    ) async throws -> QualityReport.Result {
        var present = present
        if let base = subject.base {
            present +=
                try await query("SELECT count(\(DuckSQL.name(column))) FROM base", [base], limit: 1).first?.first?
                .intValue ?? 0
        }
        let rows = subject.newRows + subject.baseRows
        let measured = rows > 0 ? Double(rows - present) / Double(rows) : 0
        let fits = measured <= share
        var result = QualityReport.Result(
            rule, passed: fits, scope: .all, count: fits ? nil : rows - present,
            problem: fits
                ? nil : "the share of NULLs is \(Self.short(measured)), at most \(Self.short(share)) is allowed")
        result.measured = ["share": .number(measured)]
        return result
    }

    private func judgeFreshness(
        _ rule: ContractRule, _ column: String, _ seconds: Int, newest value: TableValue
    ) async throws -> QualityReport.Result {
        var newest = Self.time(value)
        var scope = QualityReport.Result.Scope.new
        if !isFresh(newest, seconds), let base = subject.base {
            scope = .all
            let kept = try await query("SELECT max(\(DuckSQL.name(column))) FROM base", [base], limit: 1).first?.first
            newest = [newest, kept.flatMap(Self.time)].compactMap { $0 }.max()
        }
        return freshness(rule, newest, seconds, scope, "the newest value is")
    }

    private func freshness(
        _ rule: ContractRule, _ newest: Timestamp?, _ seconds: Int, _ scope: QualityReport.Result.Scope, _ what: String
    ) -> QualityReport.Result {
        let fits = isFresh(newest, seconds)
        var result = QualityReport.Result(
            rule, passed: fits, scope: scope,
            problem: fits
                ? nil
                : "\(newest.map { "\(what) \($0)" } ?? "there is no value"), which is not within \(Self.duration(seconds)) of \(now)"
        )
        if let newest { result.measured = ["newest": JSONValue(newest)] }
        return result
    }

    private func isFresh(_ newest: Timestamp?, _ seconds: Int) -> Bool {
        newest.map { $0.adding(seconds: Double(seconds)) >= now } ?? false
    }

    // MARK: A query each

    private func judge(_ rule: ContractRule) async throws -> QualityReport.Result {
        switch rule.check {
        case .unique(let columns): return try await judgeUnique(rule, columns)
        case .foreignKey(let columns, let ref, let target):
            return try await judgeForeignKey(rule, columns, ref, target)
        case .sourceFreshness(let name, let seconds):
            let seen = try await service.lastChange(of: name)
            let newest = subject.source == Ref(.source, name) ? now : seen
            return freshness(rule, newest, seconds, .none, "the source last changed at")
        case .drift(let column, let ref, let psi, let ks):
            return try await DriftCheck(check: self).judge(rule, column, ref, psi: psi, ks: ks)
        case .sql(let sql, let inputs): return try await judgeSQL(rule, sql, inputs)
        default: throw SlipwayError(.internal, "The rule \(rule.name) was not judged.")
        }
    }

    private func judgeUnique(_ rule: ContractRule, _ columns: [String]) async throws -> QualityReport.Result {
        var list = "SELECT (\(QualitySQL.duplicates(columns)))"
        var inputs = [subject.new]
        if let base = subject.base {
            list += ", (SELECT count(*) FROM \(QualitySQL.taken(columns)))"
            inputs.append(base)
        }
        let row = try await query(list, inputs, limit: 1).first ?? []
        let (twice, taken) = (row.first?.intValue ?? 0, row.dropFirst().first?.intValue ?? 0)
        var result = QualityReport.Result(
            rule, passed: twice + taken == 0, scope: subject.base == nil ? .new : .all, count: twice + taken,
            problem: taken > 0 ? "\(taken) have a key that the dataset has already" : nil)
        if twice > 0 {
            let names = subject.shown(columns)
            result.examples = subject.examples(
                try await query(
                    QualitySQL.duplicateRows(columns, shown: shown(names)), [subject.new],
                    limit: QualityReport.examplesMaximum), names)
        } else if taken > 0 {
            result.examples = try await examples(QualitySQL.taken(columns), columns, inputs)
        }
        return result
    }

    private func judgeForeignKey(
        _ rule: ContractRule, _ columns: [String], _ ref: Ref, _ target: [String]
    ) async throws -> QualityReport.Result {
        // Who wrote the contract was seen to read this; the check itself only counts.
        let binding = try await service.bind(["other": ref], as: .system)
        let known = try await service.columns(of: ref)
        let found = try target.map { name in
            guard let column = known.first(where: { $0.name == name }) else {
                throw SlipwayError(
                    .invalid, "\(ref) has no column '\(name)'\(NearestName.hint(name, in: known.map(\.name))).")
            }
            return column
        }
        let broken = QualitySQL.missing(columns, subject.types, in: found)
        let count =
            try await query(binding.sql("SELECT count(*) FROM \(broken)"), [subject.new] + binding.inputs, limit: 1)
            .first?.first?.intValue ?? 0
        var result = QualityReport.Result(
            rule, passed: count == 0, count: count, problem: count > 0 ? "\(ref) has no such row" : nil)
        if count > 0 {
            let names = subject.shown(columns)
            result.examples = subject.examples(
                try await query(
                    binding.sql("SELECT \(shown(names)) FROM \(broken) LIMIT \(QualityReport.examplesMaximum)"),
                    [subject.new] + binding.inputs, limit: QualityReport.examplesMaximum), names)
        }
        return result
    }

    private func judgeSQL(
        _ rule: ContractRule, _ sql: String, _ named: [String: Ref]
    ) async throws -> QualityReport.Result {
        let binding = try await service.bind(named, as: .system)
        var new = subject.new
        new.positions = false
        let inputs = [new, subject.data] + binding.inputs
        let first = try await service.platform.tables.query(
            binding.sql(sql), parameters: [], inputs: inputs, maxRows: QualityReport.examplesMaximum,
            timeoutSeconds: DatasetsService.writeSeconds)
        guard !first.rows.isEmpty else { return .init(rule, passed: true, scope: .all, count: 0) }
        var count = Int64(first.rows.count)
        if first.truncated {
            count =
                try await query(binding.sql("SELECT count(*) FROM (\(sql)\n)"), inputs, limit: 1).first?.first?.intValue
                ?? count
        }
        var result = QualityReport.Result(rule, passed: false, scope: .all, count: count)
        // The rule may show what other datasets hold, and rows of this one that were there before; only to those who may
        // read them.
        let isRestricted = try await !service.restrictedColumns(
            of: subject.dataset, subject.columns, as: principal
        ).isEmpty
        if !isRestricted, try await service.mayRead(Array(named.values), as: principal) {
            let hidden = try await service.personalOutputs(
                of: sql, first.columns.map(\.name), subject: subject, binding)
            result.examples = first.rows.map { row in
                let values = zip(first.columns.indices, row).map { index, value in
                    (
                        first.columns[index].name,
                        hidden.contains(index) && !value.isNull ? "***" : QualitySubject.short(value.json)
                    )
                }
                return ["values": .object(Dictionary(values) { first, _ in first })]
            }
        }
        return result
    }

    // MARK: Parts

    private func examples(
        _ source: String, _ columns: [String], _ inputs: [TableInput]? = nil
    ) async throws -> [JSONValue] {
        let names = subject.shown(columns)
        return subject.examples(
            try await query(
                "SELECT \(shown(names)) FROM \(source) LIMIT \(QualityReport.examplesMaximum)", inputs ?? [subject.new],
                limit: QualityReport.examplesMaximum), names)
    }

    private func shown(_ names: [String]) -> String {
        let position = TableInput.positionColumns
        return
            (["new.\(DuckSQL.name(position.file))", "new.\(DuckSQL.name(position.row))"]
            + names.map { "new.\(DuckSQL.name($0))" }).joined(separator: ", ")
    }

    func query(_ sql: String, _ inputs: [TableInput], limit: Int) async throws -> [[TableValue]] {
        try await service.platform.tables.query(
            sql, parameters: [], inputs: inputs, maxRows: limit, timeoutSeconds: DatasetsService.writeSeconds
        ).rows
    }

    /// A DATE counts as its end: what happened on that day is as new as that.
    static func time(_ value: TableValue) -> Timestamp? {
        switch value {
        case .timestamp(let micros): Timestamp(milliseconds: micros / 1000)
        case .date(let days): Timestamp(milliseconds: (Int64(days) + 1) * 86_400_000 - 1)
        default: nil
        }
    }

    static func short(_ value: Double) -> String { ((value * 10_000).rounded() / 10_000).description }

    static func duration(_ seconds: Int) -> String {
        for (unit, size) in [("d", 86_400), ("h", 3600), ("m", 60)] where seconds % size == 0 {
            return "\(seconds / size)\(unit)"
        }
        return "\(seconds)s"
    }
}
