/// Limits on what comes from outside, in one place.
public enum Limits {
    public static let nameBytes = 200
    public static let refBytes = 1024
    public static let pathComponentBytes = 255
    public static let pathDepth = 32
    /// The nesting depth of JSON documents.
    public static let jsonDepth = 64
    /// The length of a filter expression in bytes and the number of comparisons in it.
    public static let filterBytes = 16 * 1024
    public static let filterTerms = 100
    /// Rows a page, unless a route says otherwise.
    public static let pageDefault = 100
    public static let pageMaximum = 1000
    /// Bodies of ordinary API requests, in bytes; streaming routes have limits of their own.
    public static let bodyBytes = 4 * 1024 * 1024
}
