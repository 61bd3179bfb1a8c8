import Core
import Database

/// Puts the runs that a filter found in order and cuts a page from them.
///
/// Few runs are fetched with their sort keys and sorted. Where there are many, the index of the first sort key is walked
/// from the cursor on, until the page is full; runs with the same key are ordered by the next one in the same way. What a
/// run does not have comes last, after NaN, whatever the direction; ties are broken by start, the latest first, then by id.
struct RunOrder {
    /// Up to so many runs are sorted; more are found by walking an index.
    let sortMaximum: Int

    struct Term {
        let field: RunField
        let descending: Bool
    }

    let finder: RunFinder
    let terms: [Term]
    private var db: any Transaction { finder.db }

    /// - Throws: `invalid` for fields by which runs cannot be ordered.
    init(_ order: [SortTerm], _ finder: RunFinder, sortMaximum: Int) throws {
        self.sortMaximum = sortMaximum
        var seen: Set<RunField> = []
        terms = try order.map { term in
            let field = try RunField(term.field)
            if case .dataset = field {
                throw ColumnTests.invalid(
                    "Runs cannot be ordered by '\(term.field)', since a run may have several datasets.")
            }
            guard seen.insert(field).inserted else {
                throw ColumnTests.invalid("`order_by` contains duplicate fields: \(term.field)")
            }
            return Term(field: field, descending: term.descending)
        }
        self.finder = finder
    }

    /// Where a run stands in the order.
    struct Place {
        let values: ArraySlice<SortValue>
        let started: Int64
        let id: String
        var key: Int64 = 0

        var next: Place { Place(values: values.dropFirst(), started: started, id: id, key: key) }
    }

    func page(_ runs: RunSet, after: Place?, limit: Int) throws -> [Place] {
        try page(runs, terms[...], after: after, limit: limit)
    }

    /// What is in order each, in order together.
    func merged(_ parts: [[Place]]) -> [Place] {
        parts.count == 1 ? parts[0] : parts.flatMap { $0 }.sorted { precedes($0, $1, terms[...]) }
    }

    private func page(_ runs: RunSet, _ terms: ArraySlice<Term>, after: Place?, limit: Int) throws -> [Place] {
        if limit == 0 || runs.isEmpty { return [] }
        if let count = runs.count, count <= sortMaximum {
            return try sorted(runs.keys, terms, after: after, limit: limit)
        }
        guard let term = terms.first else { return try latest(runs, after: after, limit: limit) }
        let rest = terms.dropFirst()
        var found: [Place] = []
        func add(_ value: SortValue, _ members: RunSet) throws {
            let isSame = after.map { $0.values.first == value } ?? false
            let part = try page(members, rest, after: isSame ? after?.next : nil, limit: limit - found.count)
            found += part.map { Place(values: [value] + $0.values, started: $0.started, id: $0.id, key: $0.key) }
        }
        let from = after?.values.first
        if from.map({ $0 != .nan && $0 != .missing }) ?? true {
            // Groups of one run, as measured values mostly are, are sorted together.
            var singles: [Int64] = []
            func flush() throws {
                guard !singles.isEmpty else { return }
                found += try sorted(singles, terms, after: after, limit: limit - found.count)
                singles = []
            }
            try RunWalk(finder, term, from: from, first: limit).forEachGroup { value, keys in
                let members = keys.filter(runs.contains)
                if members.count > sortMaximum {
                    try flush()
                    try add(value, RunSet(members))
                } else {
                    singles += members
                    if singles.count >= min(limit - found.count + (from == nil ? 0 : 1), sortMaximum) { try flush() }
                }
                return found.count < limit
            }
            try flush()
        }
        if case .metric(let name) = term.field, found.count < limit, from != .missing {
            try add(.nan, runs.intersection(finder.withNaN(name)))
        }
        if found.count < limit { try add(.missing, runs.subtracting(finder.having(term.field))) }
        return found
    }

    // MARK: Parts

    /// Sorts runs by the terms, their start and their id.
    private func sorted(_ keys: [Int64], _ terms: ArraySlice<Term>, after: Place?, limit: Int) throws -> [Place] {
        let columns = try terms.map { try values(of: $0.field, keys) }
        var places: [Place] = []
        places.reserveCapacity(keys.count)
        try Rows.lists(of: keys) { list in
            try db.forEach("SELECT key, started_ms, id FROM run WHERE key IN (\(list: list))") { row in
                let key = try row.int(0)
                let values = columns.map { $0[key] ?? .missing }
                places.append(Place(values: values[...], started: try row.int(1), id: try row.text(2), key: key))
                return true
            }
        }
        if let after { places.removeAll { !precedes(after, $0, terms) } }
        places.sort { precedes($0, $1, terms) }
        return Array(places.prefix(limit))
    }

    private func precedes(_ a: Place, _ b: Place, _ terms: ArraySlice<Term>) -> Bool {
        for (offset, term) in terms.enumerated() {
            let (x, y) = (a.values[a.values.startIndex + offset], b.values[b.values.startIndex + offset])
            if x != y { return x.precedes(y, descending: term.descending) }
        }
        return a.started != b.started ? a.started > b.started : a.id < b.id
    }

    /// The latest started of many runs.
    private func latest(_ runs: RunSet, after: Place?, limit: Int) throws -> [Place] {
        let start = Term(field: .number(column: "started_ms"), descending: true)
        var found: [Place] = []
        var members: [Int64] = []
        func flush() throws {
            found += try sorted(members, [], after: after, limit: limit - found.count)
            members = []
        }
        try RunWalk(finder, start, from: after.map { .int($0.started) }, first: limit).forEachGroup { _, keys in
            members += keys.filter(runs.contains)
            if members.count >= limit - found.count + (after == nil ? 0 : 1) { try flush() }
            return found.count < limit
        }
        try flush()
        return found
    }

    private func values(of field: RunField, _ keys: [Int64]) throws -> [Int64: SortValue] {
        var found: [Int64: SortValue] = [:]
        let statement: ([Int64]) -> SQL
        var read: (any Row) throws -> SortValue = { .text(try $0.text(1)) }
        switch field {
        case .metric(let name):
            guard let id = try finder.metricID(name) else { return [:] }
            statement = {
                "SELECT run, value, is_nan FROM metric_latest WHERE metric = \(id) AND run IN (\(list: $0))"
            }
            read = { try $0.bool(2) ? .nan : .number(try $0.double(1)) }
        case .param(let key):
            statement = { "SELECT run, short FROM run_param WHERE key = \(key) AND run IN (\(list: $0))" }
        case .tag(let key):
            statement = { "SELECT run, short FROM run_tag WHERE key = \(key) AND run IN (\(list: $0))" }
        case .text(let column):
            statement = { "SELECT key, \(SQL(stringLiteral: column)) FROM run WHERE key IN (\(list: $0))" }
        case .number(let column):
            statement = { "SELECT key, \(SQL(stringLiteral: column)) FROM run WHERE key IN (\(list: $0))" }
            read = { .int(try $0.int(1)) }
        case .dataset: return [:]
        }
        try Rows.lists(of: keys) { list in
            try db.forEach(statement(list)) { row in
                if !row.isNull(1) { found[try row.int(0)] = try read(row) }
                return true
            }
        }
        return found
    }
}

/// What runs are ordered by.
enum SortValue: Equatable {
    case int(Int64)
    case number(Double)
    case text(String)
    case nan
    case missing

    private var rank: Int {
        switch self {
        case .nan: 1
        case .missing: 2
        default: 0
        }
    }

    static func == (a: SortValue, b: SortValue) -> Bool {
        switch (a, b) {
        case (.int(let x), .int(let y)): x == y
        case (.number(let x), .number(let y)): x == y
        // Byte for byte, as the databases compare: Swift takes different spellings of one character for equal.
        case (.text(let x), .text(let y)): x.utf8.elementsEqual(y.utf8)
        case (.nan, .nan), (.missing, .missing): true
        default: false
        }
    }

    func precedes(_ other: SortValue, descending: Bool) -> Bool {
        let (a, b) = descending && rank == 0 && other.rank == 0 ? (other, self) : (self, other)
        return switch (a, b) {
        case (.int(let x), .int(let y)): x < y
        case (.number(let x), .number(let y)): x < y
        case (.text(let x), .text(let y)): x.utf8.lexicographicallyPrecedes(y.utf8)
        default: a.rank < b.rank
        }
    }
}

extension RunOrder {
    /// The place after which the next page begins.
    ///
    /// - Throws: `invalid` for the cursor of another search.
    func place(_ cursor: Cursor) throws -> Place {
        let foreign = SlipwayError.field(
            "page_token", "is not of this search", expected: "the token of the previous page")
        guard cursor.keys.count == terms.count + 2, let id = cursor.keys.last?.stringValue,
            let started = cursor.keys[terms.count].intValue
        else { throw foreign }
        let values = try zip(terms, cursor.keys).map { term, key -> SortValue in
            if key.isNull { return .missing }
            switch term.field {
            case .metric:
                if case .bool(true) = key { return .nan }
                guard let bits = key.stringValue.flatMap({ UInt64($0, radix: 16) }) else { throw foreign }
                return .number(Double(bitPattern: bits))
            case .number:
                guard let number = key.intValue else { throw foreign }
                return .int(number)
            default:
                guard let text = key.stringValue else { throw foreign }
                return .text(text)
            }
        }
        return Place(values: values[...], started: started, id: id)
    }

    func cursor(_ place: Place) -> Cursor {
        Cursor(
            place.values.map { value -> JSONValue in
                switch value {
                case .int(let number): .int(number)
                // Its bits: the number comes back exactly.
                case .number(let number): .string(String(number.bitPattern, radix: 16))
                case .text(let text): .string(text)
                case .nan: .bool(true)
                case .missing: .null
                }
            } + [.int(place.started), .string(place.id)])
    }
}
