import { withoutUndefined } from "../../base/defined.ts";
import type { EsimProfile, Target } from "../model/target.ts";

type Templates = Readonly<Record<string, string>>;

/** The parts of a target that are stored sealed: connection templates, which may contain the login of an access point. */
export interface TargetSecrets {
  readonly addressing?: Templates;
  /** By AID of the profile. */
  readonly connectivity?: Readonly<Record<string, Templates>>;
  /** Part `smsr` of the EIS. */
  readonly smsr?: unknown;
}

/**
 * A target without the templates that may contain a login, and these templates. All such templates are removed, whether a
 * login is found in them or not, and replaced by empty values.
 */
export function withoutSecrets(target: Target): { readonly open: Target; readonly secrets: TargetSecrets | undefined } {
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
export function withSecrets(open: Target, secrets: TargetSecrets | undefined): Target {
  return secrets === undefined ? open : filled(open, secrets, ({ aid }) => secrets.connectivity?.[aid]);
}

function filled(
  target: Target,
  { addressing, smsr }: Pick<TargetSecrets, "addressing" | "smsr">,
  connectivityOf: (profile: EsimProfile) => Templates | undefined,
): Target {
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
