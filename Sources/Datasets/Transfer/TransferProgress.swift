import CommandKit
import Core
import Synchronization

/// Shows on a terminal how far a transfer is and how long it will take.
final class TransferProgress: Sendable {
    private struct State {
        var (files, bytes): (Int, Int64) = (0, 0)
        var (allFiles, allBytes): (Int, Int64) = (0, 0)
        var shown: UInt64 = 0
    }

    private let verb: String
    private let started = Clock.monotonicNanoseconds()
    private let state = Mutex(State())

    init(_ verb: String) { self.verb = verb }

    /// How much there is to do.
    func expect(files: Int, bytes: Int64) {
        state.withLock {
            $0.allFiles += files
            $0.allBytes += bytes
        }
    }

    func done(files: Int, bytes: Int64) {
        let now = Clock.monotonicNanoseconds()
        let text: String? = state.withLock { state in
            state.files += files
            state.bytes += bytes
            guard now - state.shown > 100_000_000, Terminal.isInteractive else { return nil }
            state.shown = now
            let seconds = max(0.001, Double(now - started) / 1e9)
            let share =
                state.allBytes > 0
                ? Double(state.bytes) / Double(state.allBytes) : Double(state.files) / Double(max(1, state.allFiles))
            let left = share > 0.01 && seconds > 1 ? " · \(Self.time(seconds / share - seconds)) left" : ""
            return
                "\(verb) \(state.files) of \(state.allFiles) files · \(Self.size(state.bytes)) of \(Self.size(state.allBytes)) · \(Self.size(Int64(Double(state.bytes) / seconds)))/s\(left)"
        }
        if let text { Terminal.status(text) }
    }

    /// Clears the line.
    func finish() { Terminal.status("") }

    static func size(_ bytes: Int64) -> String {
        var (value, unit) = (Double(bytes), 0)
        while value >= 999.5, unit < 4 {
            value /= 1000
            unit += 1
        }
        let shown = unit == 0 || value >= 99.95 ? "\(Int(value.rounded()))" : "\((value * 10).rounded() / 10)"
        return shown + " " + ["B", "kB", "MB", "GB", "TB"][unit]
    }

    private static func time(_ seconds: Double) -> String {
        let all = Int(seconds.rounded(.up))
        if all < 60 { return "\(all) s" }
        return all < 3600 ? "\(all / 60) min \(all % 60) s" : "\(all / 3600) h \(all % 3600 / 60) min"
    }
}
