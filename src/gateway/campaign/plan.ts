import { withoutUndefined } from "../../base/defined.ts";
import { aidText } from "../../codec/euicc/identity-shapes.ts";
import { profileName } from "../eis/policy.ts";
import type { CampaignAction, ItemStep, ProfileChoice } from "../model/campaign.ts";
import type { JobFailure } from "../model/failure.ts";
import { type EsimProfile, enabledProfile, type Target } from "../model/target.ts";

/** The steps for one target, or the reason why there are none. */
type Plan =
  | { readonly kind: "steps"; readonly steps: readonly ItemStep[] }
  | { readonly kind: "skip"; readonly note: string }
  | { readonly kind: "fail"; readonly error: JobFailure };

/** Plans the action for a target from its EIS, at the moment when the target is started. */
export function planFor(action: CampaignAction, target: Target): Plan {
  switch (action.kind) {
    case "script": {
      const { kind, tar, aid, apdus } = action;
      const work = { kind, tar, apdus, ...withoutUndefined({ aid }) } as const;
      return { kind: "steps", steps: [{ name: "script", work }] };
    }
    case "es5":
      return planCall(action, target);
    case "move":
      return planMove(action, target);
  }
}

function planCall(action: Extract<CampaignAction, { kind: "es5" }>, target: Target): Plan {
  const { function: name, profile: choice, params = {} } = action;
  if (choice === undefined) return { kind: "steps", steps: [callStep(name, params)] };
  const [profile, ...others] = chosen(target, choice);
  if (profile === undefined) {
    return name === "deleteProfile" ? skip("there is no such profile") : noProfile(choice);
  }
  if (others.length > 0) return ambiguous(choice, others.length + 1);
  if (name === "enableProfile" && profile.state === "enabled")
    return skip(`${profileName(profile)} is already enabled`);
  if (name === "disableProfile" && profile.state !== "enabled") return skip(`${profileName(profile)} is not enabled`);
  if (name === "setFallbackAttribute" && profile.fallback)
    return skip(`${profileName(profile)} already has the fall-back attribute`);
  return { kind: "steps", steps: [callStep(name, { ...params, aid: profile.aid })] };
}

function planMove(action: Extract<CampaignAction, { kind: "move" }>, target: Target): Plan {
  const enabled = enabledProfile(target);
  const old = chosen(target, action.from);
  const [wanted, ...others] = chosen(target, action.to);
  if (wanted === undefined) return noProfile(action.to);
  if (others.length > 0) return ambiguous(action.to, others.length + 1);
  const moved = enabled?.aid === wanted.aid;
  if (!moved && !old.some((profile) => profile.aid === enabled?.aid))
    return skip(
      enabled === undefined
        ? "the enabled profile is unknown"
        : `${profileName(enabled)} is enabled and not part of the move`,
    );
  const leaving = action.old === "delete" ? old.filter((profile) => profile.aid !== wanted.aid) : [];
  const steps = [
    ...(moved ? [] : [callStep("enableProfile", { aid: wanted.aid })]),
    ...leaving.map((profile) => callStep("deleteProfile", { aid: profile.aid })),
  ];
  return steps.length === 0 ? skip(`${profileName(wanted)} is already enabled`) : { kind: "steps", steps };
}

function callStep(name: string, params: Readonly<Record<string, unknown>>): ItemStep {
  const aid = aidText.safeParse(params.aid ?? params.isdP).data;
  return {
    name,
    work: { kind: "es5", function: name, params },
    ...(name === "enableProfile" ? { switches: withoutUndefined({ to: aid }) } : {}),
    ...(name === "disableProfile" ? { switches: {} } : {}),
    ...(name === "deleteProfile" && aid !== undefined ? { deletes: aid, tolerate: ["6A88"] } : {}),
  };
}

function chosen(target: Target, choice: ProfileChoice): EsimProfile[] {
  return target.esimProfiles.filter(
    (profile) =>
      (choice.aid === undefined || profile.aid === choice.aid) &&
      (choice.iccidPrefix === undefined || (profile.iccid?.startsWith(choice.iccidPrefix) ?? false)) &&
      (choice.mnoId === undefined || profile.mnoId === choice.mnoId),
  );
}

function skip(note: string): Plan {
  return { kind: "skip", note };
}

function noProfile(choice: ProfileChoice): Plan {
  const message = `the EIS has no profile with ${described(choice)}`;
  return { kind: "fail", error: { code: "campaign.no-profile", message, executed: false, detail: { choice } } };
}

function ambiguous(choice: ProfileChoice, count: number): Plan {
  const message = `the EIS has ${count} profiles with ${described(choice)}`;
  return { kind: "fail", error: { code: "campaign.no-profile", message, executed: false, detail: { choice, count } } };
}

function described(choice: ProfileChoice): string {
  const { aid, iccidPrefix, mnoId } = choice;
  return [
    ...(aid === undefined ? [] : [`AID ${aid}`]),
    ...(iccidPrefix === undefined ? [] : [`ICCID ${iccidPrefix}…`]),
    ...(mnoId === undefined ? [] : [`MNO ${mnoId}`]),
  ].join(", ");
}
