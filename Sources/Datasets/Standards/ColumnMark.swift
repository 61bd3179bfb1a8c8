import Core

/// What is said about a column of a dataset: personal data, meaning, unit.
public struct ColumnMark: Sendable, Hashable {
    /// How a column's values relate to people (the usual three classes of data protection).
    public enum PII: String, Sendable, Hashable, CaseIterable, Comparable {
        /// Somebody looked, and there is nothing personal.
        case none
        /// Identifies somebody only together with other columns: a postcode, a birthday.
        case indirect
        /// Identifies somebody alone: a name, an e-mail address.
        case direct
        /// Of a special kind that harms when it is known: health, religion, a card's number.
        case sensitive

        public static func < (a: PII, b: PII) -> Bool {
            (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
        }

        /// Whether the policy `restricted` keeps it from those without the permission.
        public var isProtected: Bool { self >= .direct }
    }

    /// Why a column has its mark.
    public enum Basis: String, Sendable, Hashable {
        /// Somebody said so.
        case person
        /// The expression that makes the column reads a marked one.
        case expression
        /// A marked column of the same name went in, and what makes the column could not be followed.
        case name
    }

    public let dataset: String
    public let name: String
    /// nil: nobody has said.
    public let pii: PII?
    /// `email`, `phone`, `iban` … free text.
    public let kind: String?
    public let description: String
    public let unit: String?
    public let basis: Basis
    /// For inherited marks: `dataset:customers.email`.
    public let origin: String
    public let author: String
    public let updated: Timestamp

    public var json: JSONValue {
        [
            "name": .string(name), "pii": JSONValue(pii?.rawValue), "kind": JSONValue(kind),
            "description": .string(description), "unit": JSONValue(unit), "basis": .string(basis.rawValue),
            "origin": .string(origin), "by": .string(author), "updated": JSONValue(updated),
        ]
    }

    /// What is inherited of it by a column of another dataset.
    func carried(to dataset: String, _ column: String, _ basis: Basis, at time: Timestamp) -> ColumnMark {
        ColumnMark(
            dataset: dataset, name: column, pii: pii, kind: kind, description: "", unit: nil, basis: basis,
            origin: "dataset:\(self.dataset).\(name)", author: "slipway", updated: time)
    }
}

/// Who may read a dataset with columns of personal data.
public enum PIIPolicy: String, Sendable, Hashable, CaseIterable {
    /// Who may read the project's datasets.
    case open
    /// Rows, files, profiles and derivations only with the permission `datasets.personal`.
    case restricted
}
