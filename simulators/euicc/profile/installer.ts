import { fromHex, toHex } from "../../../src/base/hex.ts";
import { readTlvs } from "../../../src/codec/kit/ber.ts";
import type { CardSettings, KeySetState, PinState } from "../card-state.ts";
import type { AuthenticationState, InstalledState } from "../installed-state.ts";
import { type Puk, readAlgorithm, readPins, readPuks } from "./codes.ts";
import { readApplication, readDomain, readRemoteFiles } from "./domains.ts";
import type { ElementStatus } from "./euicc-response.ts";
import { type Element, inside, needed, readElement, readingElement } from "./fields.ts";
import { FileBuilder } from "./file-builder.ts";
import { type HeaderFacts, hasRuntime, readHeader } from "./header.ts";
import { InstallError, reject } from "./install-error.ts";
import { templateOf } from "./templates.ts";

/** A profile that a package has described to its end. */
export interface InstalledProfile {
  readonly header: HeaderFacts;
  readonly installed: InstalledState;
  readonly mnoKeySets: readonly KeySetState[];
  readonly sdData: Readonly<Record<string, string>>;
  readonly pins: Readonly<Record<string, PinState>>;
  readonly authentication: AuthenticationState;
  /** Octets of memory. */
  readonly size: number;
}

const tags = {
  gfm: 0xa1,
  pins: 0xa2,
  puks: 0xa3,
  aka: 0xa4,
  cdma: 0xa5,
  domain: 0xa6,
  rfm: 0xa7,
  application: 0xa8,
  nonStandard: 0xa9,
  end: 0xaa,
} as const;

/** Elements that make files from a template, and whether they are applications. */
const templateElements: readonly number[] = [0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xbc, 0xbd];

/** Takes profile elements one by one and makes a profile of them, in memory that is lost with it. TCA eUICC Profile Package §8 */
export class Installer {
  readonly #settings: CardSettings;
  readonly #files: FileBuilder;
  readonly #installed: InstalledState = {
    files: [],
    pinLinks: {},
    algorithms: {},
    domains: [],
    remoteFiles: [],
    applications: [],
  };
  #header: HeaderFacts | undefined;
  #puks: ReadonlyMap<number, Puk> = new Map();
  readonly #pins: Record<string, PinState> = {};
  #authentication: AuthenticationState | undefined;
  #mnoKeySets: readonly KeySetState[] = [];
  readonly #sdData: Record<string, string> = {};
  #ended = false;
  /** Elements that were left out, but for those of other issuers. */
  readonly warnings: ElementStatus[] = [];

  constructor(settings: CardSettings, room: number) {
    this.#settings = settings;
    this.#files = new FileBuilder(this.#installed, room);
  }

  /** The profile, once its end element was there. */
  get profile(): InstalledProfile | undefined {
    if (!this.#ended || this.#header === undefined || this.#authentication === undefined) return undefined;
    const size = this.#installed.files.reduce((sum, file) => sum + FileBuilder.size(file), 0);
    return {
      header: this.#header,
      installed: this.#installed,
      mnoKeySets: this.#mnoKeySets,
      sdData: this.#sdData,
      pins: this.#pins,
      authentication: this.#authentication,
      size: size + this.#installed.applications.reduce((sum, application) => sum + application.size, 0),
    };
  }

  /** Takes the next element. @throws InstallError for what ends the package */
  take(bytes: Uint8Array): void {
    const element = readingElement(() => readElement(bytes));
    if (this.#header === undefined && element.tag !== 0xa0) reject("invalidFormat", 0);
    try {
      readingElement(() => this.#carryOut(element));
    } catch (error) {
      if (!(error instanceof InstallError) || !error.skippable || element.mandated) throw error;
      if (element.tag === tags.nonStandard) return;
      const { status, offset, additional } = error;
      this.warnings.push({ status, identification: element.identification, additional, offset });
    }
  }

  #carryOut(element: Element): void {
    const { tag, fields } = element;
    if (templateElements.includes(tag)) {
      this.#template(element);
      return;
    }
    switch (tag) {
      case 0xa0:
        if (this.#header !== undefined) reject("invalidFormat", 0);
        this.#header = readHeader(fields, this.#settings);
        return;
      case tags.gfm:
        for (const sequence of inside(needed(fields, 0xa1, 0))) this.#files.manage(inside(sequence));
        return;
      case tags.puks:
        this.#puks = new Map([...this.#puks, ...readPuks(fields)]);
        return;
      case tags.pins:
        this.#pinCodes(element);
        return;
      case tags.aka:
        this.#algorithm(element);
        return;
      case tags.domain:
        this.#domain(element);
        return;
      case tags.rfm:
        this.#installed.remoteFiles.push(readRemoteFiles(fields, this.#installed));
        return;
      case tags.application: {
        if (!hasRuntime(this.#settings)) reject("runtimeNotSupported", 0);
        const application = readApplication(fields);
        this.#files.take(application.size, 0);
        this.#installed.applications.push(application);
        return;
      }
      case tags.cdma:
        reject("featureNotSupported", 0);
        return;
      case tags.end:
        this.#end();
        return;
      default:
        reject("elementNotSupported", 0);
    }
  }

  #template({ fields }: Element): void {
    const id = needed(fields, 0x81, 0);
    const template = templateOf(id.value) ?? reject("templateNotSupported", id.offset);
    this.#files.fromTemplate(
      template,
      fields.filter((tlv) => tlv !== id),
    );
  }

  /** PINs belong to the directory made or selected before; local references only count there. */
  #pinCodes({ fields }: Element): void {
    const { directory } = this.#files;
    const pins = readPins(fields, this.#puks);
    if (!(pins instanceof Map)) {
      const path = this.#files.pathOf(pins);
      if (this.#files.find(path) === undefined) reject("badValues", pins.offset);
      this.#installed.pinLinks[directory] = path;
      return;
    }
    for (const [reference, pin] of pins) {
      const key = pinKey(reference, directory);
      if (this.#pins[key]) reject("badValues", 0);
      this.#pins[key] = pin;
    }
  }

  #algorithm({ fields }: Element): void {
    const path = this.#files.application ?? reject("invalidFormat", 0);
    const read = readAlgorithm(fields);
    if ("sharedWith" in read) {
      const source = this.#installed.files.find(({ aid }) => aid === read.sharedWith) ?? reject("badValues", 0);
      this.#installed.algorithms[path] =
        this.#installed.algorithms[source.path] ?? this.#authentication ?? reject("badValues", 0);
    } else if (this.#authentication === undefined) this.#authentication = read;
    else this.#installed.algorithms[path] = read;
  }

  /** The first domain is the MNO-SD. */
  #domain({ fields }: Element): void {
    const { personalization, keySets, ...domain } = readDomain(fields);
    if (this.#installed.domains.some(({ aid }) => aid === domain.aid)) reject("badValues", 0);
    const first = this.#installed.domains.length === 0;
    this.#installed.domains.push({ ...domain, keySets: first ? [] : keySets });
    if (!first) return;
    this.#mnoKeySets = keySets;
    for (const { value } of personalization) {
      if (toHex(value.subarray(0, 2)) !== "0070") continue;
      for (const { tag, value: data } of readTlvs(value.subarray(3)))
        this.#sdData[tag.toString(16).toUpperCase()] = toHex(data);
    }
  }

  /** A profile has an MF, an application with its algorithm, and an MNO-SD with keys. */
  #end(): void {
    const { files } = this.#installed;
    const application = files.some(({ kind }) => kind === "adf");
    const complete = files.some(({ kind }) => kind === "mf") && application && this.#mnoKeySets.length > 0;
    if (!complete || this.#authentication === undefined) reject("invalidFormat", 0);
    this.#ended = true;
  }
}

/** Where a PIN is kept: local ones by their directory too. */
function pinKey(reference: number, directory: string): string {
  const hex = reference.toString(16).toUpperCase().padStart(2, "0");
  return reference >= 0x80 ? `${hex}@${directory}` : hex;
}

/** Contents (hex) of a file below an application by its FID. */
export function contentOf(installed: InstalledState, fid: string, inside: "mf" | "adf"): Uint8Array | undefined {
  const parent = inside === "mf" ? "3F00" : installed.files.find(({ kind }) => kind === "adf")?.path;
  const file = installed.files.find(({ path }) => path === `${parent}/${fid}`);
  const source = file?.link === undefined ? file : installed.files.find(({ path }) => path === file.link);
  const content = source?.contents[0];
  return content === undefined ? undefined : fromHex(content);
}
