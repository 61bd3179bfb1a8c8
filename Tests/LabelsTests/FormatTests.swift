import Core
import Database
import Datasets
import Foundation
import Tables
import TestSupport
import Testing
import Web

@testable import Labels

/// Labels on their way in and out; Tests/clients/test_labels.py does the same with the formats' own readers.
@Suite struct FormatTests {
    private func images(_ fixture: Fixture, kind: JSONValue = "boxes", more: [String: JSONValue] = [:]) async throws {
        try await fixture.rows("photos", "path,width,height\na.jpg,100,50\nsub/b.png,40,40\nc.jpg,10,10\n", key: ["path"])
        _ = try await fixture.schema(
            "cats", .object(["kind": kind, "classes": [["name": "cat", "id": 7], "dog"]].merging(more) { $1 }))
        _ = try await fixture.labels.createTask(
            TaskDraft(name: "t", over: Ref(.dataset, "photos"), schema: Ref(.labelSchema, "cats")), as: Fixture.lead)
    }

    private func take(
        _ fixture: Fixture, _ format: LabelsFormat, _ files: [(String, String)], _ change: (inout ImportOptions) -> Void = { _ in }
    ) async throws -> ImportReport {
        var options = ImportOptions(format)
        change(&options)
        return try await fixture.labels.importLabels(
            "t", files.map { ForeignFileBytes(path: $0.0, bytes: Array($0.1.utf8)) }, options, as: Fixture.lead)
    }

    private func give(_ fixture: Fixture, _ format: LabelsFormat, prefix: String = "") async throws -> [UInt8] {
        let write = try await fixture.labels.export("t", format, .any, prefix: prefix, as: Fixture.lead)
        return try await Response(status: 200, body: .stream(length: nil, write)).collect()
    }

    private func values(_ fixture: Fixture) async throws -> [String] {
        var found: [String] = []
        for number in [1, 2, 3] as [Int64] {
            let (_, work, prelabels) = try await fixture.labels.item("t", number, as: Fixture.lead)
            found += work.map { "\(number) \($0.annotator) \($0.value?.canonicalText ?? "")" }
            found += prelabels.map { "\(number) \($0.model) \($0.value.canonicalText) \($0.score.map { "\($0)" } ?? "")" }
        }
        return found
    }

    private static let coco = """
        {"images": [{"id": 5, "file_name": "a.jpg", "width": 100, "height": 50}, {"id": 9, "file_name": "sub/b.png"}],
         "categories": [{"id": 1, "name": "dog"}, {"id": 3, "name": "cat"}, {"id": 4, "name": "unused"}],
         "annotations": [
            {"id": 101, "image_id": 5, "category_id": 3, "bbox": [10.5, 20, 30, 20], "area": 600, "iscrowd": 0,
             "segmentation": [[11, 21, 30, 21, 30, 39]]},
            {"id": 102, "image_id": 5, "category_id": 1, "bbox": [0, 0, 100, 50]}]}
        """

    @Test func `COCO keeps ids, and boxes as they are`() async throws {
        try await Fixture.each { fixture in
            try await images(fixture)
            let report = try await take(fixture, .coco, [("f", Self.coco)]) { $0.annotator = "bo" }
            #expect("\(report.annotations) \(report.shapes) \(report.leftOut)" == "2 2 0")
            #expect(
                try await values(fixture) == [
                    #"1 bo [{"class":"cat","height":20.0,"id":"101","width":30.0,"x":10.5,"y":20.0},{"class":"dog","height":50.0,"id":"102","width":100.0,"x":0.0,"y":0.0}]"#,
                    "2 bo []",
                ])
            let out = try JSONValue(parsing: try await give(fixture, .coco))
            #expect(
                out["images"] == [
                    ["id": 5, "file_name": "a.jpg", "width": 100, "height": 50],
                    ["id": 9, "file_name": "sub/b.png", "width": 40, "height": 40],
                ])
            #expect(
                (out["annotations"]?.arrayValue ?? []).map {
                    "\($0["id"] ?? 0) \($0["image_id"] ?? 0) \($0["category_id"] ?? 0) \($0["bbox"]?.canonicalText ?? "")"
                } == ["int(101) int(5) int(7) [10.5,20,30,20]", "int(102) int(5) int(1) [0,0,100,50]"])
            // The same file again changes nothing but the history.
            _ = try await take(fixture, .coco, [("f", Self.coco)]) { $0.annotator = "bo" }
            #expect(try await fixture.labels.task("t", as: Fixture.lead).counts.annotations == 2)
        }
    }

    @Test func `what does not fit is named, and nothing is taken`() async throws {
        try await Fixture.with { fixture in
            try await images(fixture)
            let bad = """
                {"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "nowhere.jpg"}, {"id": 3, "file_name": "c.jpg"}],
                 "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "emu"}],
                 "annotations": [{"id": 1, "image_id": 1, "category_id": 2, "bbox": [0, 0, 5, 5]},
                    {"id": 2, "image_id": 3, "category_id": 1, "bbox": [0, 0, 50, 5]}]}
                """
            let refused = await refusal { try await take(fixture, .coco, [("f", bad)]) }
            let parts = [
                "invalid: Nothing was imported", "does not know the classes 'emu' (1×)",
                "image 2 (nowhere.jpg): the task has no such row", "image 3 (c.jpg): value[0]: reaches to (50.0, 5.0)",
            ]
            #expect(parts.filter { !refused.contains($0) } == [], "\(refused)")
            #expect(try await values(fixture) == [])
            let other = "{\"images\": [{\"id\": 1, \"file_name\": \"a.jpg\"}, {\"id\": 2, \"file_name\": \"x.jpg\"}], \"annotations\": []}"
            let report = try await take(fixture, .coco, [("f", other)]) { $0.skipsInvalid = true }
            #expect(report.annotations == 1 && report.problems == ["image 2 (x.jpg): the task has no such row"])
            let wrongs = [
                ("{}", LabelsFormat.labelStudio), ("{\"images\": [{\"id\": 1}]}", .coco), ("[", .coco), ("id\n", .csv), ("", .csv),
            ]
            for (text, format) in wrongs {
                #expect(await refusal { try await take(fixture, format, [("f", text)]) }.hasPrefix("invalid: "))
            }
        }
    }

    @Test func `YOLO goes out and comes back`() async throws {
        try await Fixture.each { fixture in
            try await images(fixture)
            let files = [
                ("x/data.yaml", "names:\n  0: dog # first\n  1: cat\n"), ("x/labels/a.txt", "1 0.5 0.5 0.2 0.4\n0 0.1 0.2 0.2 0.4 0.9\n"),
                ("x/labels/sub/b.txt", ""), ("x/train.txt", "images/a.jpg\n"),
            ]
            let report = try await take(fixture, .yolo, files) { $0.annotator = "bo" }
            #expect(report.annotations == 2 && report.shapes == 2)
            let first = try await values(fixture)
            #expect(
                first == [
                    #"1 bo [{"class":"cat","height":20.0,"width":20.0,"x":40.0,"y":15.0},{"class":"dog","height":20.0,"score":0.9,"width":20.0,"x":0.0,"y":0.0}]"#,
                    "2 bo []",
                ])
            let archive = String(decoding: try await give(fixture, .yolo), as: UTF8.self)
            for text in ["classes.txt", "cat\ndog\n", "labels/a.txt", "0 0.5 0.5 0.2 0.4\n1 0.1 0.2 0.2 0.4\n", "labels/sub/b.txt"] {
                #expect(archive.contains(text), "\(text)")
            }
            let wrong = await refusal { try await take(fixture, .yolo, [("labels/a.txt", "5 0.5 0.5 0.1 0.1\n0 0.5 x\n")]) }
            #expect(wrong.contains("labels/a.txt: line 1 is of class 5, and there are 2, from 0"))
        }
    }

    @Test func `the class lists of data.yaml`() throws {
        func names(_ text: String) -> String {
            do { return try YOLO.names(inYAML: text).joined(separator: "|") } catch { return "\(error)" }
        }
        #expect(
            [
                names("nc: 2\nnames: [cat, 'big dog']\n"), names("names:\n- cat\n- \"a # b\"\n"),
                names("names:\n  1: dog\n  0: cat\nother: 3\n"),
            ] == ["cat|big dog", "cat|a # b", "cat|dog"])
        #expect(names("names:\n  0: cat\n  2: dog\n").contains("do not go from 0 without gaps"))
        #expect(names("nc: 2\n").contains("has no names"))
        #expect([0, 1, 0.5, 1.0 / 3, 0.000_000_000_1, 1.5].map(YOLO.plain) == ["0.0", "1.0", "0.5", "0.3333333333", "0.0000000001", "1.0"])
    }

    @Test func `Pascal VOC goes out and comes back`() async throws {
        try await Fixture.with { fixture in
            try await images(fixture, more: ["attributes": [["name": "difficult", "kind": "flag"], ["name": "pose", "kind": "text"]]])
            let file = """
                <?xml version="1.0"?><annotation><folder>x</folder><filename>a.jpg</filename>
                <size><width>100</width><height>50</height><depth>3</depth></size>
                <object><name>cat</name><pose>Left &amp; up</pose><truncated>0</truncated><difficult>1</difficult>
                <bndbox><xmin>10</xmin><ymin>5</ymin><xmax>60.5</xmax><ymax>45</ymax></bndbox></object></annotation>
                """
            _ = try await take(fixture, .voc, [("Annotations/a.xml", file)]) { $0.annotator = "bo" }
            let first = try await values(fixture)
            #expect(
                first == [
                    #"1 bo [{"attributes":{"difficult":true,"pose":"Left & up"},"class":"cat","height":40.0,"width":50.5,"x":10.0,"y":5.0}]"#
                ])
            let out = String(decoding: try await give(fixture, .voc), as: UTF8.self)
            guard let start = out.range(of: "<annotation>"), let end = out.range(of: "</annotation>") else {
                Issue.record("\(out)")
                return
            }
            _ = try await take(fixture, .voc, [("Annotations/a.xml", String(out[start.lowerBound..<end.upperBound]))]) {
                $0.annotator = "cy"
            }
            #expect(try await values(fixture) == first + first.map { "1 cy" + $0.dropFirst(4) })
            #expect(await refusal { try await take(fixture, .voc, [("a.xml", "<annotation><object>")]) }.contains("a.xml is not well-formed XML"))
        }
    }

    @Test func `Label Studio's percents, people and predictions`() async throws {
        try await Fixture.each { fixture in
            try await images(fixture)
            let file = """
                [{"id": 1, "data": {"image": "img/a.jpg"},
                  "annotations": [{"id": 11, "completed_by": 4, "lead_time": 2.5, "created_at": "2026-01-02T03:04:05Z", "result": [
                    {"id": "r9", "type": "rectanglelabels", "original_width": 100, "original_height": 50, "from_name": "l", "to_name": "i",
                     "value": {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}}]},
                    {"id": 12, "completed_by": {"email": "cy@x.org"}, "was_cancelled": true, "result": []}],
                  "predictions": [{"model_version": "model:cats@3", "score": 0.5, "result": [
                    {"id": "p1", "type": "rectanglelabels", "score": 0.5,
                     "value": {"x": 0, "y": 0, "width": 50, "height": 50, "rectanglelabels": ["dog"]}}]}]}]
                """
            // A prefix stands before the row's key, not the other way round; so the row is not found.
            #expect(await refusal { try await take(fixture, .labelStudio, [("f", file)]) }.contains("the task has no such row"))
            let plain = file.split(separator: "img/").joined()
            let report = try await take(fixture, .labelStudio, [("f", plain)])
            #expect("\(report.annotations) \(report.prelabels)" == "1 1")
            let got = try await values(fixture)
            #expect(
                got == [
                    #"1 label-studio-4 [{"class":"cat","height":20.0,"id":"r9","width":30.0,"x":10.0,"y":10.0}]"#,
                    #"1 model:cats@3 [{"class":"dog","height":25.0,"id":"p1","score":0.5,"width":50.0,"x":0.0,"y":0.0}] 0.5"#,
                ])
            let (_, work, _) = try await fixture.labels.item("t", 1, as: Fixture.lead)
            #expect(work.map { "\($0.done?.description ?? "") \($0.seconds ?? 0) \($0.origin ?? "")" } == ["2026-01-02T03:04:05.000Z 2.5 import:label-studio"])
            let out = String(decoding: try await give(fixture, .labelStudio), as: UTF8.self)
            _ = try await take(fixture, .labelStudio, [("f", out)])
            #expect(try await values(fixture) == got.map { $0.split(separator: #","score":0.5"#).joined() })
            let turned = plain.split(separator: #""rotation": 0"#).joined(separator: #""rotation": 15"#)
            #expect(await refusal { try await take(fixture, .labelStudio, [("f", turned)]) }.contains("region r9 is a rotated box"))
        }
    }

    @Test func `spans count code points here and UTF-16 units there`() async throws {
        try await Fixture.with { fixture in
            try await fixture.rows("notes", "id,text\n1,\"😀 Ada met Bob\"\n2,plain\n")
            _ = try await fixture.schema("who", ["kind": "spans", "classes": ["person"]])
            _ = try await fixture.labels.createTask(
                TaskDraft(name: "t", over: Ref(.dataset, "notes"), schema: Ref(.labelSchema, "who")), as: Fixture.lead)
            #expect(try await fixture.labels.next("t", as: Fixture.annotator("bo")).map(\.item.extent) == [.text(length: 13)])
            try await fixture.submit("bo", 1, [["class": "person", "start": 2, "end": 5]])
            let out = try await give(fixture, .labelStudio)
            let value = try JSONValue(parsing: out).arrayValue?.first?["annotations"]?.arrayValue?.first?["result"]?.arrayValue?.first?[
                "value"]
            #expect(value == ["start": 3, "end": 6, "text": "Ada", "labels": ["person"]])
            _ = try await take(fixture, .labelStudio, [("f", String(decoding: out, as: UTF8.self))])
            let (_, work, _) = try await fixture.labels.item("t", 1, as: Fixture.lead)
            #expect(work.map { $0.value?.canonicalText ?? "" } == [#"[{"class":"person","end":5,"id":"r1","start":2}]"#])
            let units = CodeUnits("a😀b")
            #expect([0, 1, 2, 3, 4, 9].map(units.codePoint) == [0, 1, 1, 2, 3, 8])
            #expect([0, 1, 2, 3].map(units.unit) == [0, 1, 3, 4])
        }
    }

    @Test func `tables of labels`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 3)
            let csv = "id,mood,mood_by,mood_at\r\nr1,good,bo,2026-01-01T00:00:00Z\r\nr2,,,\r\n\"r3\",bad,,\r\n"
            let report = try await take(fixture, .csv, [("f", csv)])
            #expect(report.annotations == 2)
            #expect(try await values(fixture) == ["1 bo \"good\"", "3 lea \"bad\""])
            let out = String(decoding: try await give(fixture, .csv), as: UTF8.self)
            #expect(
                out.split(separator: "\r\n").map(String.init).prefix(2) == [
                    "id,mood,mood_by,mood_at,mood_votes", "r1,good,bo,2026-01-01T00:00:00.000Z,1",
                ])
            #expect(await refusal { try await take(fixture, .csv, [("f", "id,mood\nr1,\"a\n")]) }.contains("ends inside quotes"))
            #expect(await refusal { try await take(fixture, .csv, [("f", "id,mood\nr1\n")]) }.contains("row 1: has 1 fields"))
            #expect(await refusal { try await take(fixture, .coco, [("f", "{}")]) }.contains("format: coco has no class; expected label-studio, csv"))
        }
    }
}
