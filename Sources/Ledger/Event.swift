import Core

/// One entry of the ledger, in the shape of a CloudEvent (CloudEvents 1.0).
public struct Event: Sendable, Hashable {
    /// Its place in the ledger; gapless from 1.
    public let sequence: Int64
    public let id: String
    public let time: Timestamp
    /// Who did it: the principal's name.
    public let actor: String
    /// `dataset.version.created`, `model.approved` …: noun, then what happened to it.
    public let type: String
    public let subject: Ref
    public let project: String?
    public let data: JSONValue
    public let previousHash: String
    /// SHA-256 over the previous hash and the canonical JSON of everything above.
    public let hash: String

    static let genesisHash = String(repeating: "0", count: 64)

    func computedHash() -> String {
        let body: JSONValue = [
            "sequence": .int(sequence), "id": .string(id), "time": .int(time.milliseconds), "actor": .string(actor),
            "type": .string(type),
            "subject": JSONValue(subject), "project": JSONValue(project), "data": data,
        ]
        return Digest.of(previousHash + "\n" + body.canonicalText).hex
    }

    /// The CloudEvents JSON form.
    public var json: JSONValue {
        [
            "specversion": "1.0", "id": .string(id), "time": JSONValue(time), "source": "/slipway",
            "type": .string("slipway." + type),
            "subject": JSONValue(subject), "actor": .string(actor), "project": JSONValue(project),
            "sequence": .int(sequence), "data": data,
            "hash": .string(hash),
        ]
    }
}
