import type { Access, FileSpec } from "./profile-files.ts";

/** A dedicated file or an application's root. */
export interface Directory {
  readonly kind: "directory";
  readonly fid: number;
  readonly aid?: Uint8Array;
  /** FIDs from the MF on; an application's is the one it was made with. */
  readonly path: string;
  /** PIN status template, where the profile states one. */
  readonly pinStatus?: Uint8Array;
  readonly parent: Directory | undefined;
  readonly children: Map<number, FileNode>;
}

/** An elementary file with its present contents. */
export interface ElementaryFile {
  readonly kind: "file";
  readonly fid: number;
  readonly parent: Directory;
  readonly structure: FileSpec["structure"] | "ber-tlv";
  /** File and record of its access rule. */
  readonly rule: { readonly fid: number; readonly record: number };
  readonly read: Access;
  readonly update: Access;
  readonly sfi: number | undefined;
  /** Where the profile remembers an update; files with the same path share their contents. */
  readonly path: string;
  readonly contents: Uint8Array[];
}

export type FileNode = Directory | ElementaryFile;

/** The files of one profile: MF, its applications, and how they are found. TS 102 221 §8 */
export interface FileSystem {
  readonly mf: Directory;
  readonly applications: readonly Directory[];
}
