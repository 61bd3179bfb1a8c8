/// Areas of simple polygons in the plane.
enum PlaneGeometry {
    /// The signed area by the shoelace formula (Meister 1769; Gauss): positive when the points go round one way.
    static func area(_ points: [Point]) -> Double {
        guard let origin = points.first else { return 0 }
        var twice = 0.0
        for index in points.indices {
            let (a, b) = (points[index], points[(index + 1) % points.count])
            twice += (a.x - origin.x) * (b.y - origin.y) - (b.x - origin.x) * (a.y - origin.y)
        }
        return twice / 2
    }

    /// Two edges of an outline that meet elsewhere than in a corner that they share; nil for a simple polygon.
    static func crossing(_ points: [Point]) -> (Int, Int)? {
        let count = points.count
        for i in 0..<count {
            let (a, b) = (points[i], points[(i + 1) % count])
            if a == b { return (i, (i + 1) % count) }
            for j in (i + 1)..<max(count, i + 1) {
                let (c, d) = (points[j], points[(j + 1) % count])
                if j == i + 1 || (i == 0 && j == count - 1) {
                    // Neighbours share a corner; they may not lie on each other.
                    let (before, corner, after) = j == i + 1 ? (a, b, d) : (c, a, b)
                    if turn(before, corner, after) == 0, isBackwards(before, corner, after) { return (i, j) }
                    continue
                }
                if meet(a, b, c, d) { return (i, j) }
            }
        }
        return nil
    }

    private static func turn(_ a: Point, _ b: Point, _ c: Point) -> Double {
        (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
    }

    private static func isBackwards(_ a: Point, _ b: Point, _ c: Point) -> Bool {
        (b.x - a.x) * (c.x - b.x) + (b.y - a.y) * (c.y - b.y) < 0
    }

    private static func meet(_ a: Point, _ b: Point, _ c: Point, _ d: Point) -> Bool {
        guard max(a.x, b.x) >= min(c.x, d.x), max(c.x, d.x) >= min(a.x, b.x), max(a.y, b.y) >= min(c.y, d.y),
            max(c.y, d.y) >= min(a.y, b.y)
        else { return false }
        return turn(a, b, c) * turn(a, b, d) <= 0 && turn(c, d, a) * turn(c, d, b) <= 0
    }

    /// The area that two simple polygons share.
    ///
    /// Each is cut into the triangles that its edges make with one point; counted with the sign of their turn, they cover
    /// the polygon's inside once and cancel elsewhere. So the shared area is the sum, over the pairs of triangles, of the
    /// area of their intersection with both signs.
    static func sharedArea(_ a: [Point], _ b: [Point]) -> Double {
        var sum = 0.0
        let theirs = fan(b)
        for (mine, sign) in fan(a) {
            for (other, otherSign) in theirs { sum += sign * otherSign * abs(area(clip(mine, by: other))) }
        }
        return abs(sum)
    }

    /// Triangles of the first corner with each edge, all turned one way, with the sign of the turn that they had.
    private static func fan(_ points: [Point]) -> [([Point], Double)] {
        guard let origin = points.first else { return [] }
        return (1..<(points.count - 1)).compactMap { index in
            let triangle = [origin, points[index], points[index + 1]]
            let size = area(triangle)
            if size == 0 { return nil }
            return size > 0 ? (triangle, 1) : ([triangle[0], triangle[2], triangle[1]], -1)
        }
    }

    /// A convex polygon cut by a convex one that turns the positive way (Sutherland and Hodgman, "Reentrant polygon
    /// clipping", CACM 17, 1974).
    private static func clip(_ subject: [Point], by window: [Point]) -> [Point] {
        var output = subject
        for index in window.indices {
            let (a, b) = (window[index], window[(index + 1) % window.count])
            let input = output
            output = []
            for position in input.indices {
                let (p, q) = (input[position], input[(position + 1) % input.count])
                let (atP, atQ) = (turn(a, b, p), turn(a, b, q))
                if atP >= 0 { output.append(p) }
                if (atP > 0 && atQ < 0) || (atP < 0 && atQ > 0) {
                    let t = atP / (atP - atQ)
                    output.append(Point(x: p.x + t * (q.x - p.x), y: p.y + t * (q.y - p.y)))
                }
            }
            if output.count < 3 { return [] }
        }
        return output
    }
}
