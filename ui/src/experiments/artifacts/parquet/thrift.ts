/** A value of Thrift's compact protocol; structs by field number. */
export type Thrift = number | bigint | boolean | Uint8Array | Thrift[] | Map<number, Thrift>;
export type Struct = Map<number, Thrift>;

/** Reads Thrift's compact protocol, which Parquet writes its metadata in. */
export class ThriftReader {
  private readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  struct(): Struct {
    const fields: Struct = new Map();
    let field = 0;
    for (;;) {
      const head = this.byte();
      if (head === 0) return fields;
      const delta = head >> 4;
      field = delta === 0 ? this.zigzag() : field + delta;
      fields.set(field, this.value(head & 15));
    }
  }

  private value(type: number): Thrift {
    switch (type) {
      case 1:
        return true;
      case 2:
        return false;
      case 3:
        return (this.byte() << 24) >> 24;
      case 4:
      case 5:
        return this.zigzag();
      case 6: {
        const value = this.varint();
        return Number((value >> 1n) ^ -(value & 1n));
      }
      case 7: {
        const value = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 8).getFloat64(0, true);
        this.at += 8;
        return value;
      }
      case 8: {
        const length = Number(this.varint());
        this.at += length;
        if (this.at > this.bytes.length) throw new Error("The metadata ends too early.");
        return this.bytes.subarray(this.at - length, this.at);
      }
      case 9:
      case 10: {
        const head = this.byte();
        const count = head >> 4 === 15 ? Number(this.varint()) : head >> 4;
        const inner = head & 15;
        // A boolean in a list is a byte, not a type.
        return Array.from({ length: count }, () => inner <= 2 ? this.byte() === 1 : this.value(inner));
      }
      case 12:
        return this.struct();
      default:
        throw new Error(`The metadata has a value of the unknown type ${type}.`);
    }
  }

  private byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new Error("The metadata ends too early.");
    return value;
  }

  private varint(): bigint {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  private zigzag(): number {
    const value = this.varint();
    return Number((value >> 1n) ^ -(value & 1n));
  }
}

export function numberIn(fields: Struct | undefined, field: number): number | undefined {
  const value = fields?.get(field);
  return typeof value === "number" ? value : undefined;
}

export function structIn(fields: Struct | undefined, field: number): Struct | undefined {
  const value = fields?.get(field);
  return value instanceof Map ? value : undefined;
}

export function listIn(fields: Struct | undefined, field: number): Thrift[] {
  const value = fields?.get(field);
  return Array.isArray(value) ? value : [];
}

export function textOfThrift(value: Thrift | undefined): string {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : "";
}
