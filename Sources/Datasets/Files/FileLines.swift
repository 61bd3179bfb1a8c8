import Core
import Web

/// The lines of a request's body, some at a time, parsed.
struct LineBatches<Line: Sendable>: AsyncSequence {
    typealias Element = [Line]
    typealias Failure = any Error

    let body: RequestBody
    let parse: @Sendable (_ line: [UInt8], _ number: Int) throws -> Line
    var batchLines = 10_000
    var lineMaximumBytes = 16 << 10

    func makeAsyncIterator() -> Iterator { Iterator(batches: self, pieces: body.makeAsyncIterator()) }

    struct Iterator: AsyncIteratorProtocol {
        typealias Failure = any Error
        let batches: LineBatches<Line>
        var pieces: RequestBody.Iterator
        private var rest: [UInt8] = []
        private var number = 0
        private var isDone = false

        init(batches: LineBatches<Line>, pieces: RequestBody.Iterator) {
            (self.batches, self.pieces) = (batches, pieces)
        }

        mutating func next() async throws -> [Line]? {
            var lines: [Line] = []
            while lines.count < batches.batchLines, !isDone {
                if let piece = try await pieces.next() {
                    rest.append(contentsOf: piece)
                } else {
                    isDone = true
                    if !rest.isEmpty { rest.append(10) }
                }
                var start = 0
                while let end = rest[start...].firstIndex(of: 10) {
                    try add(rest[start..<end], to: &lines)
                    start = end + 1
                }
                rest.removeFirst(start)
                guard rest.count <= batches.lineMaximumBytes else { throw tooLong(number + 1) }
            }
            return lines.isEmpty && isDone ? nil : lines
        }

        private mutating func add(_ line: ArraySlice<UInt8>, to lines: inout [Line]) throws {
            number += 1
            guard line.count <= batches.lineMaximumBytes else { throw tooLong(number) }
            guard line.contains(where: { $0 > 32 }) else { return }
            lines.append(try batches.parse(Array(line), number))
        }

        private func tooLong(_ line: Int) -> SlipwayError {
            SlipwayError(
                .tooLarge, "Line \(line) has more than \(batches.lineMaximumBytes) bytes.",
                details: ["line": String(line), "limit": String(batches.lineMaximumBytes)])
        }
    }
}
