export interface ServerSentEvent {
  id: string;
  type: string;
  data: string;
}

/**
 * Cuts a text stream into server-sent events (HTML standard, 9.2.6). Feed it as text arrives; it keeps what is not
 * finished. Comments (the server's signs of life) are told by an empty array.
 */
export class EventParser {
  private rest = "";
  private id = "";
  private type = "";
  private data: string[] = [];

  feed(text: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    this.rest += text;
    let end: number;
    while ((end = this.rest.search(/\r\n|\n|\r/)) >= 0) {
      // A lone \r at the end may be the first half of \r\n.
      if (this.rest[end] === "\r" && end === this.rest.length - 1) break;
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + (this.rest.startsWith("\r\n", end) ? 2 : 1));
      const event = this.line(line);
      if (event) events.push(event);
    }
    return events;
  }

  private line(line: string): ServerSentEvent | null {
    if (line === "") {
      const event = this.data.length > 0
        ? { id: this.id, type: this.type || "message", data: this.data.join("\n") }
        : null;
      this.type = "";
      this.data = [];
      return event;
    }
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.id = value;
    else if (field === "event") this.type = value;
    else if (field === "data") this.data.push(value);
    return null;
  }
}

/**
 * Whether an event is of a wanted type. A type is given without the leading `slipway.`; one that ends in "." is a prefix,
 * and "*" is every event.
 */
export function matchesType(type: string, wanted: readonly string[]): boolean {
  const short = type.replace(/^slipway\./, "");
  return wanted.some((want) => want === "*" || (want.endsWith(".") ? short.startsWith(want) : short === want));
}
