import Core
import Testing

@testable import Datasets

/// The first bytes of images of 300 x 17 pixels, as Pillow 12 writes them, and of things that are none.
@Suite struct ImageHeaderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let base64: String
        let format: ImageHeader.Format
        var testDescription: String { name }
    }

    static let images = [
        Case(name: "PNG", base64: "iVBORw0KGgoAAAANSUhEUgAAASwAAAARCAIAAADojAblAAAAT0lEQVR4nO3TIQEA", format: .png),
        Case(name: "GIF", base64: "R0lGODdhLAERAIEAAArIHgAAAAAAAAAAACwAAAAALAERAEAIdAABCBxIsKDBgwgT", format: .gif),
        Case(
            name: "WebP, lossy", base64: "UklGRl4AAABXRUJQVlA4IFIAAAAwBQCdASosAREAPm02mUmkIyKhIOgAgA2JaQB2",
            format: .webp),
        Case(
            name: "WebP, lossless", base64: "UklGRiQAAABXRUJQVlA4TBcAAAAvKwEEAAdQ5CrUo/8BICH8ny9F9D8lBAA=",
            format: .webp),
        Case(
            name: "WebP, extended", base64: "UklGRm4AAABXRUJQVlA4WAoAAAAQAAAAKwEAEAAAQUxQSBAAAAABB1CyiAgACeH/",
            format: .webp),
        Case(
            name: "JPEG",
            base64:
                "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/2wBDAQkJCQwLDBgNDRgyIRwhMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjL/wAARCAARASwDASIAAhEBAxEB/8QAHwAAAQUBAQEB",
            format: .jpeg),
        Case(
            name: "JPEG, progressive",
            base64:
                "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAKBueIx4ZKCMgoy0qqC+8P//8Nzc8P//////////////////////////////////////////////////////////2wBDAaq0tPDS8P//////////////////////////////////////////////////////////////////////////////wgARCAARASwDASIAAhEBAxEB/8QAFAABAAAA",
            format: .jpeg),
    ]

    @Test(arguments: images)
    func `The size is read, and of a file that is cut off before it, none`(_ image: Case) throws {
        let bytes = try #require(Base64.decode(image.base64))
        #expect(ImageHeader(bytes) == ImageHeader(format: image.format, width: 300, height: 17))
        let lengths = (0..<bytes.count).map { ImageHeader(bytes.prefix($0)) }
        // Once there is enough of it, the answer stays.
        let first = lengths.firstIndex { $0 != nil } ?? bytes.count
        #expect(lengths[first...].allSatisfy { $0 == ImageHeader(bytes) })
    }

    @Test func `What is no image has no size, whatever its bytes`() {
        let jpeg: [UInt8] = [0xFF, 0xD8, 0xFF]
        let odd: [[UInt8]] = [
            [], Array("<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'>".utf8),
            Array("GIF88a----------".utf8), Array("RIFF\0\0\0\0WEBPVP8?012345678901234567890".utf8),
            // A segment shorter than its own length field, a scan without a frame, no marker where one must be.
            jpeg + [0xE0, 0, 1, 0, 0, 0, 0, 0, 0], jpeg + [0xDA, 0, 4, 0, 0, 0, 0, 0],
            jpeg + [0xE0, 0, 2, 7, 7, 7, 7, 7],
            jpeg + [UInt8](repeating: 0xFF, count: 4000),
            jpeg + [0xE0, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 60_000),
        ]
        #expect(odd.map { ImageHeader($0) } == Array(repeating: nil, count: odd.count))
        var generator = SystemRandomNumberGenerator()
        for image in Self.images {
            guard let bytes = Base64.decode(image.base64) else { continue }
            for _ in 0..<300 {
                var changed = bytes
                changed[Int.random(in: 0..<changed.count, using: &generator)] = .random(in: 0...255, using: &generator)
                // Whatever it says, it ends.
                _ = ImageHeader(changed)
            }
        }
    }

    @Test func `What a viewer should not be asked to decode is told apart`() {
        let sizes = [(1, 1), (65_535, 1_000), (65_536, 1), (20_000, 20_000), (0, 5), (10_000, 10_000)]
        #expect(
            sizes.map { ImageHeader(format: .png, width: $0.0, height: $0.1).isReasonable }
                == [true, true, false, false, false, true])
    }
}
