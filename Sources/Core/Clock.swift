#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A moment in milliseconds since 1970-01-01 UTC; stored as BIGINT, shown as RFC 3339.
public struct Timestamp: Hashable, Sendable, Comparable, Codable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }

    public func adding(seconds: Double) -> Timestamp { Timestamp(milliseconds: milliseconds + Int64(seconds * 1000)) }

    public init(from decoder: any Decoder) throws {
        self.init(milliseconds: try decoder.singleValueContainer().decode(Int64.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}

/// Year, month, day and the rest of a UTC moment, by the civil calendar algorithms of Howard Hinnant
/// ("chrono-Compatible Low-Level Date Algorithms").
public struct CivilTime: Hashable, Sendable {
    public var year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, millisecond: Int

    public init(_ timestamp: Timestamp) {
        let ms = timestamp.milliseconds
        let days = ms >= 0 ? ms / 86_400_000 : (ms - 86_399_999) / 86_400_000
        var rest = Int(ms - days * 86_400_000)
        let z = Int(days) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let doe = z - era * 146_097
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
        let mp = (5 * doy + 2) / 153
        day = doy - (153 * mp + 2) / 5 + 1
        month = mp < 10 ? mp + 3 : mp - 9
        year = yoe + era * 400 + (month <= 2 ? 1 : 0)
        hour = rest / 3_600_000
        rest %= 3_600_000
        minute = rest / 60_000
        rest %= 60_000
        second = rest / 1000
        millisecond = rest % 1000
    }

    public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, millisecond: Int = 0)
    {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second, self.millisecond) = (hour, minute, second, millisecond)
    }

    public var timestamp: Timestamp {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yoe = y - era * 400
        let doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy
        let days = era * 146_097 + doe - 719_468
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
        return Timestamp(milliseconds: Int64(seconds) * 1000 + Int64(millisecond))
    }

    /// 0 is Sunday.
    public var weekday: Int {
        let ms = timestamp.milliseconds
        let days = ms >= 0 ? ms / 86_400_000 : (ms - 86_399_999) / 86_400_000
        return Int(((days + 4) % 7 + 7) % 7)
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds: `2026-11-24T08:32:34.120Z`.
    public var description: String {
        let t = CivilTime(self)
        func pad(_ n: Int, _ width: Int) -> String {
            let s = String(n)
            return String(repeating: "0", count: max(0, width - s.utf8.count)) + s
        }
        return
            "\(pad(t.year, 4))-\(pad(t.month, 2))-\(pad(t.day, 2))T\(pad(t.hour, 2)):\(pad(t.minute, 2)):\(pad(t.second, 2)).\(pad(t.millisecond, 3))Z"
    }

    /// Parses RFC 3339 (`2026-11-24T08:32:34Z`, fractions and offsets allowed) or a bare date.
    ///
    /// - Throws: `invalid`, naming `field`.
    public init(parsing text: String, field: String = "time") throws {
        let bytes = Array(text.utf8)
        func number(_ from: Int, _ count: Int) -> Int? {
            guard from + count <= bytes.count else { return nil }
            var n = 0
            for b in bytes[from..<from + count] {
                guard b >= 48, b <= 57 else { return nil }
                n = n * 10 + Int(b - 48)
            }
            return n
        }
        func fail() -> SlipwayError {
            .field(
                field, "'\(text.prefix(40))' is not a time",
                expected: "RFC 3339 such as 2017-06-01T00:00:00Z or 2017-06-01")
        }
        guard let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), (1...12).contains(month),
            (1...31).contains(day),
            bytes[4] == 45, bytes[7] == 45
        else { throw fail() }
        var civil = CivilTime(year: year, month: month, day: day)
        guard bytes.count > 10 else {
            self = civil.timestamp
            return
        }
        guard bytes[10] == 84 || bytes[10] == 116 || bytes[10] == 32, let hour = number(11, 2),
            let minute = number(14, 2), hour < 24, minute < 60
        else { throw fail() }
        (civil.hour, civil.minute) = (hour, minute)
        var at = 16
        if at < bytes.count, bytes[at] == 58 {
            guard let second = number(17, 2), second < 61 else { throw fail() }
            civil.second = second
            at = 19
            if at < bytes.count, bytes[at] == 46 {
                at += 1
                var scale = 100
                while at < bytes.count, bytes[at] >= 48, bytes[at] <= 57 {
                    civil.millisecond += Int(bytes[at] - 48) * scale
                    scale /= 10
                    at += 1
                }
            }
        }
        var offsetMinutes = 0
        if at < bytes.count {
            switch bytes[at] {
            case 90, 122: at += 1
            case 43, 45:
                guard let h = number(at + 1, 2), let m = number(at + 4, 2) else { throw fail() }
                offsetMinutes = (h * 60 + m) * (bytes[at] == 43 ? 1 : -1)
                at += 6
            default: throw fail()
            }
        }
        guard at == bytes.count else { throw fail() }
        self = Timestamp(milliseconds: civil.timestamp.milliseconds - Int64(offsetMinutes) * 60_000)
    }
}

/// Where the time comes from; tests and replays bring their own.
public struct Clock: Sendable {
    public let now: @Sendable () -> Timestamp

    public init(now: @escaping @Sendable () -> Timestamp) { self.now = now }

    /// The machine's clock.
    public static let system = Clock {
        var t = timespec()
        clock_gettime(CLOCK_REALTIME, &t)
        return Timestamp(milliseconds: Int64(t.tv_sec) * 1000 + Int64(t.tv_nsec) / 1_000_000)
    }

    /// Nanoseconds of a clock that never goes back; only differences mean something.
    public static func monotonicNanoseconds() -> UInt64 {
        var t = timespec()
        clock_gettime(CLOCK_MONOTONIC, &t)
        return UInt64(t.tv_sec) * 1_000_000_000 + UInt64(t.tv_nsec)
    }
}
