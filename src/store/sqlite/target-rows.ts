import type { z } from "zod";
import { withoutUndefined } from "../../base/defined.ts";
import { type OctetText, octetsByName, octetsOrNone, octetText } from "../../base/octet-text.ts";
import { notificationMode } from "../../gateway/model/notification-mode.ts";
import type { EsimProfile, Target } from "../../gateway/model/target.ts";

/** A target as a row has it: `octetText` of the target, the notification mode perhaps under an earlier name. */
export type WrittenTarget = Omit<OctetText<Target>, "settings"> & {
  readonly settings: Omit<OctetText<Target["settings"]>, "notifications"> & {
    readonly notifications?: z.input<typeof notificationMode>;
  };
};

type WrittenTemplates = Readonly<Record<string, string>>;

/** The parts of a target that are stored sealed: connection templates, which may contain the login of an access point. */
export interface TargetSecrets {
  readonly addressing?: WrittenTemplates;
  /** By AID of the profile. */
  readonly connectivity?: Readonly<Record<string, WrittenTemplates>>;
  /** Part `smsr` of the EIS. */
  readonly smsr?: unknown;
}

/** The two parts of a row. */
interface ParsedRow {
  readonly open: WrittenTarget;
  readonly secrets: TargetSecrets | undefined;
}

/** A target as its row has it. */
export function writtenTarget(target: Target): ParsedRow {
  return withoutSecrets(octetText(target));
}

/**
 * A target without the templates that may contain a login, and these templates. All such templates are removed, whether a
 * login is found in them or not, and replaced by empty values.
 */
export function withoutSecrets(target: WrittenTarget): ParsedRow {
  const { addressing, esimProfiles, eis } = target;
  const connectivity = Object.fromEntries(
    esimProfiles.flatMap((profile) =>
      profile.connectivity === undefined ? [] : [[profile.aid, profile.connectivity]],
    ),
  );
  const smsr = smsrOf(eis);
  const secrets: TargetSecrets = {
    ...withoutUndefined({ addressing }),
    ...(Object.keys(connectivity).length === 0 ? {} : { connectivity }),
    ...withoutUndefined({ smsr }),
  };
  if (Object.keys(secrets).length === 0) return { open: target, secrets: undefined };
  return { open: filled(target, { addressing: {}, smsr: {} }, () => ({})), secrets };
}

/** The whole target again. */
export function readTarget({ open, secrets }: ParsedRow): Target {
  const whole = secrets === undefined ? open : filled(open, secrets, ({ aid }) => secrets.connectivity?.[aid]);
  const { addressing, esimProfiles, settings, ...others } = whole;
  return {
    ...others,
    ...(addressing === undefined ? {} : { addressing: octetsByName(addressing) }),
    esimProfiles: esimProfiles.map(readProfile),
    settings: currentSettings(settings),
  };
}

function readProfile({ connectivity, ...profile }: OctetText<EsimProfile>): EsimProfile {
  return connectivity === undefined ? profile : { ...profile, connectivity: octetsByName(connectivity) };
}

/** The settings with the notification mode under its current name; an SPI that is not hexadecimal is omitted. */
function currentSettings({ notifications, spi: text, ...settings }: WrittenTarget["settings"]): Target["settings"] {
  const spi = octetsOrNone(text);
  return {
    ...settings,
    ...withoutUndefined({ spi }),
    ...(notifications === undefined ? {} : { notifications: notificationMode.parse(notifications) }),
  };
}

function filled(
  target: WrittenTarget,
  { addressing, smsr }: Pick<TargetSecrets, "addressing" | "smsr">,
  connectivityOf: (profile: OctetText<EsimProfile>) => WrittenTemplates | undefined,
): WrittenTarget {
  const { eis } = target;
  return {
    ...target,
    ...(target.addressing === undefined ? {} : { addressing: addressing ?? {} }),
    esimProfiles: target.esimProfiles.map((profile) =>
      profile.connectivity === undefined ? profile : { ...profile, connectivity: connectivityOf(profile) ?? {} },
    ),
    ...(smsrOf(eis) === undefined ? {} : { eis: { ...Object(eis), smsr: smsr ?? {} } }),
  };
}

function smsrOf(eis: unknown): unknown {
  return typeof eis === "object" && eis !== null && "smsr" in eis ? (eis.smsr ?? undefined) : undefined;
}
