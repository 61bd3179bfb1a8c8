import Core

/// An upright rectangle in pixels; the origin is the image's upper left corner.
public struct Box: ShapeOutline {
    public let x: Double, y: Double, width: Double, height: Double

    public init(x: Double, y: Double, width: Double, height: Double) {
        (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }

    public static let fieldNames: Set<String> = ["x", "y", "width", "height"]

    public init(_ fields: JSONFields, path: String) throws {
        self.init(
            x: try fields.double("x"), y: try fields.double("y"), width: try fields.double("width"),
            height: try fields.double("height"))
    }

    public var fields: [String: JSONValue] {
        ["x": .number(x), "y": .number(y), "width": .number(width), "height": .number(height)]
    }

    public func check(inside extent: ItemExtent, path: String) throws {
        guard [x, y, width, height].allSatisfy(\.isFinite), width > 0, height > 0 else {
            throw SlipwayError.field(path, "has no area", expected: "a width and a height above 0")
        }
        try ImageEdge.check([Point(x: x, y: y), Point(x: x + width, y: y + height)], inside: extent, path: path)
    }

    public func overlap(with other: Box) -> Double {
        let across = min(x + width, other.x + other.width) - max(x, other.x)
        let down = min(y + height, other.y + other.height) - max(y, other.y)
        guard across > 0, down > 0 else { return 0 }
        let shared = across * down
        return shared / (width * height + other.width * other.height - shared)
    }
}

public struct Point: Sendable, Hashable {
    public let x: Double, y: Double

    public init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
}

/// What counts as inside an image.
enum ImageEdge {
    /// Files that give places as fractions round them; so much beside the edge is rounding, in pixels.
    static let tolerance = 0.01

    static func check(_ points: [Point], inside extent: ItemExtent, path: String) throws {
        let (width, height) =
            if case .image(let width, let height) = extent { (width, height) } else { (Double.infinity, Double.infinity) }
        let (right, bottom) = (width + max(tolerance, width * 1e-6), height + max(tolerance, height * 1e-6))
        for point in points
        where point.x < -tolerance || point.y < -tolerance || point.x > right || point.y > bottom {
            throw SlipwayError.field(
                path, "reaches to (\(point.x), \(point.y))", expected: "places inside the image of \(width) × \(height) pixels")
        }
    }
}

/// One or more simple polygons (parts of one thing that something covers) in pixels. Parts do not overlap each other.
public struct Polygon: ShapeOutline {
    /// Each without its first point repeated at the end.
    public let parts: [[Point]]

    /// More points than this in a part are not drawn by people, and checking them would take long.
    static let pointsMaximum = 2000

    public init(parts: [[Point]]) { self.parts = parts }

    public static let fieldNames: Set<String> = ["points", "parts"]

    public init(_ fields: JSONFields, path: String) throws {
        let lists: [JSONValue] =
            fields["parts"] == nil ? [.array(try fields.array("points"))] : try fields.array("parts")
        parts = try lists.map { list in
            var points = try (list.arrayValue ?? []).map { item in
                guard let pair = item.arrayValue, pair.count == 2, let x = pair[0].doubleValue, let y = pair[1].doubleValue,
                    x.isFinite, y.isFinite
                else { throw SlipwayError.field(path, "has a point that is not one", expected: "[x, y]") }
                return Point(x: x, y: y)
            }
            if points.count > 3, points.first == points.last { points.removeLast() }
            return points
        }
    }

    public var fields: [String: JSONValue] {
        let lists = parts.map { part in JSONValue.array(part.map { [.number($0.x), .number($0.y)] }) }
        return lists.count == 1 ? ["points": lists[0]] : ["parts": .array(lists)]
    }

    public func check(inside extent: ItemExtent, path: String) throws {
        guard !parts.isEmpty else { throw SlipwayError.field(path, "has no points") }
        for (index, part) in parts.enumerated() {
            let path = parts.count == 1 ? path : "\(path).parts[\(index)]"
            guard (3...Self.pointsMaximum).contains(part.count) else {
                throw SlipwayError.field(
                    path, "has \(part.count) points", expected: "3 to \(Self.pointsMaximum)")
            }
            try ImageEdge.check(part, inside: extent, path: path)
            if let (first, second) = PlaneGeometry.crossing(part) {
                throw SlipwayError.field(
                    path, "its edges \(first) and \(second) meet", expected: "a polygon whose outline does not cross itself")
            }
            guard PlaneGeometry.area(part) != 0 else { throw SlipwayError.field(path, "has no area") }
        }
    }

    var area: Double { parts.reduce(0) { $0 + abs(PlaneGeometry.area($1)) } }

    /// The smallest upright rectangle around it.
    var bounds: Box {
        let points = parts.joined()
        let (left, top) = (points.map(\.x).min() ?? 0, points.map(\.y).min() ?? 0)
        return Box(
            x: left, y: top, width: (points.map(\.x).max() ?? 0) - left, height: (points.map(\.y).max() ?? 0) - top)
    }

    public func overlap(with other: Polygon) -> Double {
        guard bounds.overlap(with: other.bounds) > 0 else { return 0 }
        var shared = 0.0
        for part in parts { for theirs in other.parts { shared += PlaneGeometry.sharedArea(part, theirs) } }
        let all = area + other.area - shared
        return all > 0 ? min(1, max(0, shared / all)) : 0
    }
}

/// A part of a text: from one code point to before another.
public struct Span: ShapeOutline {
    public let start: Int, end: Int

    public init(start: Int, end: Int) { (self.start, self.end) = (start, end) }

    public static let fieldNames: Set<String> = ["start", "end"]

    public init(_ fields: JSONFields, path: String) throws {
        self.init(start: try fields.int("start"), end: try fields.int("end"))
    }

    public var fields: [String: JSONValue] { ["start": JSONValue(start), "end": JSONValue(end)] }

    public func check(inside extent: ItemExtent, path: String) throws {
        let length = if case .text(let length) = extent { length } else { Int.max }
        guard start >= 0, start < end, end <= length else {
            throw SlipwayError.field(
                path, "goes from \(start) to \(end)",
                expected: "0 <= start < end <= \(length), the length of the text in Unicode code points")
        }
    }

    public func overlap(with other: Span) -> Double {
        let shared = min(end, other.end) - max(start, other.start)
        guard shared > 0 else { return 0 }
        return Double(shared) / Double(end - start + other.end - other.start - shared)
    }
}

/// A part of a series, in the unit of its axis, both ends included.
public struct SeriesRange: ShapeOutline {
    public let start: Double, end: Double

    public init(start: Double, end: Double) { (self.start, self.end) = (start, end) }

    public static let fieldNames: Set<String> = ["start", "end"]

    public init(_ fields: JSONFields, path: String) throws {
        self.init(start: try fields.double("start"), end: try fields.double("end"))
    }

    public var fields: [String: JSONValue] { ["start": .number(start), "end": .number(end)] }

    public func check(inside extent: ItemExtent, path: String) throws {
        guard start.isFinite, end.isFinite, start <= end else {
            throw SlipwayError.field(path, "goes from \(start) to \(end)", expected: "a start that is not after the end")
        }
        if case .series(let first, let last) = extent, start < first || end > last {
            throw SlipwayError.field(
                path, "goes from \(start) to \(end)", expected: "a range within \(first) to \(last), where the series is")
        }
    }

    public func overlap(with other: SeriesRange) -> Double {
        if self == other { return 1 }
        let shared = min(end, other.end) - max(start, other.start)
        guard shared > 0 else { return 0 }
        return shared / (end - start + other.end - other.start - shared)
    }
}
