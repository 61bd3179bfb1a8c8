import Core
import Tracking

/// A metric's file in a folder of MLflow: a line `TIME VALUE STEP` for each point, in the order of logging; older versions
/// leave the step out, newer ones may add a dataset's name and digest.
enum MetricFile {
    /// Hands over the points by time and step, each once. A file that is in order already, as one process writes it, is
    /// read as it goes; another is held in memory (24 bytes a point).
    static func points(
        _ path: String, _ findings: Findings, _ body: (MetricPoint) async throws -> Void
    ) async throws {
        var last: MetricPoint?
        var isOrdered = true
        try await lines(path, nil) { point, _ in
            isOrdered = isOrdered && last.map { ($0.time, $0.step) < (point.time, point.step) } ?? true
            last = point
        }
        if isOrdered {
            try await lines(path, findings) { point, _ in try await body(point) }
            return
        }
        var all: [MetricPoint] = []
        try await lines(path, findings) { point, _ in all.append(point) }
        for point in all.asHistory { try await body(point) }
    }

    /// Hands over each whole line as a point and what stands behind its step.
    static func lines(
        _ path: String, _ findings: Findings?, _ body: (MetricPoint, _ rest: [String]) async throws -> Void
    ) async throws {
        var number = 0
        try await WorkFile.lines(of: path, ended: true) { line in
            number += 1
            let parts = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard parts.count >= 2, let time = Int64(parts[0]), time >= 0, let value = Double(parts[1]),
                let step = parts.count == 2 ? 0 : Int64(parts[2])
            else {
                // Blank lines say nothing.
                if !parts.isEmpty { findings?.add("\(path):\(number): is not a point, TIME VALUE STEP") }
                return
            }
            try await body(
                MetricPoint(step: step, time: Timestamp(milliseconds: time), value: value), Array(parts.dropFirst(3)))
        }
    }
}
