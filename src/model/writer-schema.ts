/** Which schema a message was written with, and where the message says so. */
export type SchemaReference =
  | { readonly kind: "id"; readonly id: number; readonly framing: SchemaFraming }
  | { readonly kind: "guid"; readonly guid: string; readonly framing: SchemaFraming };

/** The schema that a message was written with, as a schema registry knows it. */
export type WriterSchema = FoundSchema | MissingSchema;

export interface FoundSchema {
  readonly kind: "found";
  /** For messages: `schema id 7`. */
  readonly name: string;
  readonly type: "AVRO" | "JSON" | "PROTOBUF";
  readonly text: string;
  /** Texts of the schemas that it refers to, each after those that it refers to itself. */
  readonly references: readonly string[];
  readonly framing: SchemaFraming;
}

/** The registry has answered, and the answer is of no use: the message cannot be read, now or later. */
export interface MissingSchema {
  readonly kind: "missing";
  readonly name: string;
  readonly reason: string;
  readonly framing: SchemaFraming;
}

/** Whether the schema's id stands before the payload (a zero and four bytes) or in a header, beside it. */
export type SchemaFraming = "prefix" | "header";
