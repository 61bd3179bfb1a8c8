import Core

/// C strings at fixed addresses. Constant after init.
final class NameTable: @unchecked Sendable {
    private let strings: [UnsafeMutablePointer<CChar>]
    private let table: UnsafeMutableBufferPointer<UnsafePointer<CChar>>

    init(_ names: [String]) {
        strings = names.map { name in
            let bytes = Array(name.utf8CString)
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            copy.initialize(from: bytes, count: bytes.count)
            return copy
        }
        table = .allocate(capacity: max(1, names.count))
        for (i, string) in strings.enumerated() { table.initializeElement(at: i, to: UnsafePointer(string)) }
    }

    deinit {
        for string in strings { string.deallocate() }
        table.deallocate()
    }

    var pointers: UnsafePointer<UnsafePointer<CChar>> {
        guard let base = table.baseAddress else { preconditionFailure("an allocated buffer has an address") }
        return UnsafePointer(base)
    }

    func withSubset<R>(_ indices: [Int], _ body: (UnsafePointer<UnsafePointer<CChar>>) throws -> R) throws -> R {
        let chosen = indices.map { UnsafePointer(strings[$0]) }
        return try chosen.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { throw SlipwayError.field("outputs", "no output is asked for") }
            return try body(base)
        }
    }
}
