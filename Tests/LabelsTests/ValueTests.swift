import Core
import Testing

@testable import Labels

/// What may be said and what may not: each refusal names its part.
@Suite struct ValueTests {
    private static let image = ItemExtent.image(width: 100, height: 50)

    private func definition(_ json: JSONValue) throws -> LabelDefinition { try LabelDefinition(JSONFields(json)) }

    /// The value as it is kept, or the refusal.
    private func said(_ definition: LabelDefinition, _ value: JSONValue, _ extent: ItemExtent = .none) -> String {
        do { return try LabelValue(parsing: value, definition, extent: extent).json.canonicalText } catch let error
            as SlipwayError
        { return error.message } catch { return "\(error)" }
    }

    private func expect(_ cases: [(got: String, want: String)], sourceLocation: SourceLocation = #_sourceLocation) {
        let wrong = cases.filter { !$0.got.hasPrefix($0.want) }.map { "got \($0.got), wanted \($0.want)" }
        #expect(wrong == [], sourceLocation: sourceLocation)
    }

    @Test func `classes, numbers and texts`() throws {
        let one = try definition(["kind": "class", "classes": ["a", "b"]])
        let many = try definition(["kind": "multi-class", "classes": ["a", "b", "c"]])
        let number = try definition(["kind": "number", "minimum": 0, "maximum": 5, "whole": true])
        let text = try definition(["kind": "text"])
        expect([
            (said(one, "a"), #""a""#), (said(one, "z"), "value: the schema does not know the class 'z'; it knows a, b"),
            (said(one, 3), "value: is a number; expected the name of a class"),
            (said(many, ["c", "a"]), #"["a","c"]"#), (said(many, []), "[]"),
            (said(many, ["a", "a"]), "value: names a class twice"), (said(many, ["a", 1]), "value[1]: is a number"),
            (said(number, 3), "3"), (said(number, 3.5), "value: 3.5 is not whole"),
            (said(number, 6), "value: 6.0 is above 5.0"),
            (said(number, -1), "value: -1.0 is below 0.0"), (said(number, "3"), "value: is text"),
            (said(text, "ä"), #""ä""#), (said(text, ["a"]), "value: is a list"),
        ])
    }

    @Test func `boxes lie inside their image`() throws {
        let boxes = try definition(["kind": "boxes", "classes": ["cat"]])
        func box(_ x: Double, _ y: Double, _ w: Double, _ h: Double, _ name: String = "cat") -> JSONValue {
            [["class": .string(name), "x": .number(x), "y": .number(y), "width": .number(w), "height": .number(h)]]
        }
        expect([
            (said(boxes, box(0, 0, 100, 50), Self.image), #"[{"class":"cat""#),
            // A fraction that was rounded.
            (said(boxes, box(0, 0, 100.000_01, 50), Self.image), #"[{"class":"cat""#),
            (said(boxes, box(90, 0, 11, 10), Self.image), "value[0]: reaches to (101.0, 10.0); expected places inside"),
            (said(boxes, box(-1, 0, 10, 10), Self.image), "value[0]: reaches to (-1.0, 0.0)"),
            (said(boxes, box(1, 1, 0, 10), Self.image), "value[0]: has no area"),
            (
                said(boxes, box(1, 1, 5, 5, "dog"), Self.image),
                "value[0].class: the schema does not know the class 'dog'"
            ),
            (said(boxes, [["class": "cat", "x": 1, "y": 1, "width": 2]], Self.image), "value[0].height: is missing"),
            (said(boxes, [["class": "cat", "x": 1, "y": 1, "w": 2]], Self.image), "value[0].w: is not a known field"),
            (said(boxes, [], Self.image), "[]"),
            (said(boxes, "cat", Self.image), "value: is text; expected a list of boxes"),
        ])
    }

    @Test func `polygons are simple`() throws {
        let polygons = try definition(["kind": "polygons", "classes": ["cat"]])
        func polygon(_ points: [[Double]]) -> JSONValue {
            [["class": "cat", "points": .array(points.map { .array($0.map { .number($0) }) })]]
        }
        expect([
            (
                said(polygons, polygon([[0, 0], [10, 0], [10, 10], [0, 10]]), Self.image),
                #"[{"class":"cat","points":[[0.0,0.0]"#
            ),
            // Closed by its first point again, as GeoJSON has it.
            (
                said(polygons, polygon([[0, 0], [10, 0], [10, 10], [0, 0]]), Self.image),
                #"[{"class":"cat","points":[[0.0,0.0],[10.0,0.0],[10.0,10.0]]"#
            ),
            (
                said(polygons, polygon([[0, 0], [10, 10], [10, 0], [0, 10]]), Self.image),
                "value[0]: its edges 0 and 2 meet"
            ),
            (said(polygons, polygon([[0, 0], [10, 0], [5, 0], [5, 5]]), Self.image), "value[0]: its edges"),
            (said(polygons, polygon([[0, 0], [10, 0]]), Self.image), "value[0]: has 2 points"),
            (said(polygons, polygon([[0, 0], [10, 0], [20, 0]]), Self.image), "value[0]:"),
            (said(polygons, polygon([[0, 0], [10, 0], [10, 60]]), Self.image), "value[0]: reaches to (10.0, 60.0)"),
            (said(polygons, [["class": "cat"]], Self.image), "value[0]: has 0 points"),
        ])
    }

    @Test func `spans and ranges lie inside their item`() throws {
        let spans = try definition(["kind": "spans", "classes": ["who"]])
        let ranges = try definition(["kind": "ranges", "classes": ["peak"]])
        func span(_ start: JSONValue, _ end: JSONValue) -> JSONValue { [["class": "who", "start": start, "end": end]] }
        func range(_ start: JSONValue, _ end: JSONValue) -> JSONValue {
            [["class": "peak", "start": start, "end": end]]
        }
        let (text, series) = (ItemExtent.text(length: 10), ItemExtent.series(start: 0, end: 9))
        expect([
            (said(spans, span(0, 10), text), #"[{"class":"who","end":10,"start":0}]"#),
            (said(spans, span(3, 3), text), "value[0]: goes from 3 to 3"),
            (said(spans, span(5, 11), text), "value[0]: goes from 5 to 11"),
            (said(spans, span(0.5, 2), text), "value[0].start: is a number; expected a whole number"),
            (said(ranges, range(0, 9), series), #"[{"class":"peak""#),
            (said(ranges, range(8, 9.5), series), "value[0]: goes from 8.0 to 9.5"),
            (said(ranges, range(3, 2), series), "value[0]: goes from 3.0 to 2.0"),
        ])
    }

    @Test func `attributes, ids and scores`() throws {
        let boxes = try definition([
            "kind": "boxes", "classes": ["cat"],
            "attributes": [
                ["name": "side", "kind": "choice", "options": ["left", "right"], "required": true],
                ["name": "cut", "kind": "flag"],
            ],
        ])
        func box(_ more: [String: JSONValue]) -> JSONValue {
            [.object(["class": "cat", "x": 1, "y": 1, "width": 2, "height": 2].merging(more) { $1 })]
        }
        expect([
            (
                said(boxes, box(["attributes": ["side": "left", "cut": true], "id": 7, "score": 0.5])),
                #"[{"attributes":{"cut":true,"side":"left"},"class":"cat","height":2.0,"id":"7","score":0.5"#
            ),
            (said(boxes, box([:])), "value[0].attributes.side: is missing"),
            (
                said(boxes, box(["attributes": ["side": "up"]])),
                #"value[0].attributes.side: "up" is not an option; expected left, right"#
            ),
            (
                said(boxes, box(["attributes": ["side": "left", "size": 3]])),
                "value[0].attributes: the schema has no attribute 'size'"
            ),
            (said(boxes, box(["attributes": ["side": "left"], "score": 2])), "value[0].score: is out of range"),
        ])
    }

    @Test func `schemas are checked, and filled in`() throws {
        func problem(_ json: JSONValue) -> String {
            do { return try definition(json).json.canonicalText } catch let error as SlipwayError {
                return error.message
            } catch {
                return "\(error)"
            }
        }
        expect([
            (
                problem(["kind": "class", "classes": ["cat", "3", ["name": "b", "hotkey": "1", "colour": "#ff0000"]]]),
                ##"{"classes":[{"colour":"#e69f00","hotkey":"2","name":"cat"},{"colour":"#56b4e9","hotkey":"3","name":"3"},{"colour":"#ff0000","hotkey":"1","name":"b"}],"kind":"class"}"##
            ),
            (problem(["kind": "klass"]), "kind: 'klass' is not a kind of label; expected class, multi-class"),
            (problem(["kind": "class"]), "classes: there are 0"),
            (problem(["kind": "text", "classes": ["a"]]), "classes: are not for text"),
            (problem(["kind": "class", "classes": ["a", "a"]]), "classes: two have the name 'a'"),
            (
                problem(["kind": "class", "classes": [["name": "a", "hotkey": "s"]]]),
                "classes[0].hotkey: 's' cannot be a key"
            ),
            (
                problem(["kind": "class", "classes": [["name": "a", "colour": "red"]]]),
                "classes[0].colour: 'red' is not a colour"
            ),
            (
                problem(["kind": "class", "classes": ["a"], "attributes": [["name": "x"]]]),
                "attributes: belong to boxes"
            ),
            (problem(["kind": "text", "minimum": 1]), "minimum, maximum, whole: are for numbers"),
            (problem(["kind": "boxes", "classes": ["a"], "ordered": true]), "ordered: is for classes"),
        ])
    }
}
