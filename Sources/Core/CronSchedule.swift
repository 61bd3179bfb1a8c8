/// A schedule in the five fields of cron: minute, hour, day of the month, month, day of the week; all in UTC.
///
/// A field is `*`, or a list of numbers, ranges `a-b` and names (`JAN`…`DEC`, `SUN`…`SAT`; 7 is Sunday too), each with an
/// optional step: `*/15`, `8-18/2`, `5/10` (from 5 on). `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` stand for
/// the usual five fields. As in crontab(5): when the day of the month and the day of the week are both restricted (neither
/// begins with `*`), a day counts if either of them fits; otherwise both have to.
public struct CronSchedule: Hashable, Sendable, CustomStringConvertible {
    /// As written.
    public let description: String
    private let minutes: UInt64
    private let hours: UInt64
    private let days: UInt64
    private let months: UInt64
    private let weekdays: UInt64
    private let eitherDay: Bool

    private static let aliases = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *",
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]
    private static let monthNames = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ]
    private static let weekdayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

    /// - Throws: `invalid`, naming `field` and the part; also for a date that never comes, such as 30 February.
    public init(parsing text: String, field: String = "schedule") throws {
        description = text
        let fields = (Self.aliases[text.lowercased()] ?? text).split { $0 == " " || $0 == "\t" }.map(String.init)
        guard fields.count == 5 else {
            throw SlipwayError.field(
                field, "'\(text.prefix(80))' has \(fields.count) fields",
                expected: "five: minute, hour, day of the month, month, day of the week, as in \"30 3 * * MON-FRI\"")
        }
        minutes = try Self.bits(fields[0], "minute", 0...59, [:], field)
        hours = try Self.bits(fields[1], "hour", 0...23, [:], field)
        days = try Self.bits(fields[2], "day of the month", 1...31, [:], field)
        months = try Self.bits(fields[3], "month", 1...12, Self.numbers(Self.monthNames, from: 1), field)
        let weekdays = try Self.bits(
            fields[4], "day of the week", 0...7, Self.numbers(Self.weekdayNames, from: 0), field)
        self.weekdays = weekdays & 0x7f | weekdays >> 7 & 1
        eitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
        // 2000 was a leap year, and no month is left out in the nine years that are looked at.
        guard next(after: CivilTime(year: 2000, month: 1, day: 1).timestamp) != nil else {
            throw SlipwayError.field(
                field, "'\(text.prefix(80))' never comes", expected: "a day that exists in that month")
        }
    }

    private static func numbers(_ names: [String], from first: Int) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: zip(names, first...))
    }

    private static func bits(
        _ text: String, _ part: String, _ range: ClosedRange<Int>, _ names: [String: Int], _ field: String
    ) throws -> UInt64 {
        func failure(_ item: Substring) -> SlipwayError {
            let hint = names.isEmpty ? "" : ", or a name such as \(names.min { $0.value < $1.value }?.key ?? "")"
            return .field(
                field, "'\(item.prefix(40))' is not a usable \(part)",
                expected:
                    "*, a number from \(range.lowerBound) to \(range.upperBound)\(hint), a range a-b, each with an optional /step"
            )
        }
        var bits: UInt64 = 0
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            func number(_ text: Substring) throws -> Int {
                if let named = names[text.uppercased()] { return named }
                guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let n = Int(text),
                    range.contains(n)
                else { throw failure(item) }
                return n
            }
            let parts = item.split(separator: "/", omittingEmptySubsequences: false)
            let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
            var (first, last) = (range.lowerBound, range.upperBound)
            if parts[0] != "*" {
                first = try number(ends[0])
                // `5/10` goes on to the end; a plain `5` does not.
                last = try ends.count > 1 ? number(ends[1]) : parts.count > 1 ? range.upperBound : first
            }
            var step = 1
            if parts.count > 1 {
                guard let n = Int(parts[1]), n >= 1, n <= range.upperBound else { throw failure(item) }
                step = n
            }
            guard parts.count <= 2, ends.count <= 2, first <= last else { throw failure(item) }
            for n in stride(from: first, through: last, by: step) { bits |= 1 << UInt64(n) }
        }
        return bits
    }

    /// The first minute of the schedule that is later than `time`; nil if there is none in the next nine years.
    public func next(after time: Timestamp) -> Timestamp? {
        let minute: Int64 = 60_000
        let start =
            (time.milliseconds >= 0 ? time.milliseconds : time.milliseconds - minute + 1) / minute * minute + minute
        var at = CivilTime(Timestamp(milliseconds: start))
        // Two 29ths of February may be eight years apart.
        for _ in 0..<(9 * 366) {
            if fits(at), let time = nextTime(of: at) {
                (at.hour, at.minute) = time
                return at.timestamp
            }
            let midnight = CivilTime(year: at.year, month: at.month, day: at.day).timestamp
            at = CivilTime(Timestamp(milliseconds: midnight.milliseconds + 86_400_000))
        }
        return nil
    }

    private func fits(_ day: CivilTime) -> Bool {
        guard months >> UInt64(day.month) & 1 == 1 else { return false }
        let byDate = days >> UInt64(day.day) & 1 == 1
        let byWeekday = weekdays >> UInt64(day.weekday) & 1 == 1
        return eitherDay ? byDate || byWeekday : byDate && byWeekday
    }

    private func nextTime(of day: CivilTime) -> (Int, Int)? {
        for hour in day.hour..<24 where hours >> UInt64(hour) & 1 == 1 {
            for minute in (hour == day.hour ? day.minute : 0)..<60 where minutes >> UInt64(minute) & 1 == 1 {
                return (hour, minute)
            }
        }
        return nil
    }
}
