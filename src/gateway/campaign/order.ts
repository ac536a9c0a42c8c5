import { z } from "zod";
import { withoutUndefined } from "../../base/defined.ts";
import { checked } from "../../base/field-words.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { octetsOf } from "../../base/octet-text.ts";
import { isdRTar, parseAid } from "../../codec/euicc/aid.ts";
import { aidText, tarText } from "../../codec/euicc/identity-shapes.ts";
import { spiText } from "../../codec/ota/spi-text.ts";
import type { CampaignOrder } from "../model/campaign.ts";
import type { Target } from "../model/target.ts";
import { es5FromParams, isEs5Call, unknownEs5Function } from "../scripts/es5-params.ts";
import { clearText } from "../targets/target-shape.ts";

const hex = z.string().regex(/^([0-9a-fA-F]{2})*$/, "must be hexadecimal octets");

/** C-APDUs of an order whose text is checked. */
const Apdus = z.array(octetsOf(hex));

const ProfileChoice = z
  .strictObject({
    aid: z
      .string()
      .regex(/^[0-9a-fA-F]{32}$/, "must be an AID of 16 octets")
      .transform(parseAid)
      .optional(),
    iccidPrefix: z
      .string()
      .regex(/^[0-9a-eA-E]{1,20}$/, "must be the first digits of an ICCID")
      .transform((text) => text.toUpperCase())
      .optional(),
    mnoId: clearText(100).optional(),
  })
  .refine(
    (choice) => Object.values(choice).some((value) => value !== undefined),
    "must have aid, iccidPrefix or mnoId",
  );

const Action = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("es5"),
    function: z.string().refine(isEs5Call, { error: ({ input }) => unknownEs5Function(String(input)) }),
    profile: ProfileChoice.optional(),
    params: z.record(z.string(), z.unknown()).optional(),
  }),
  z.strictObject({
    kind: z.literal("script"),
    tar: tarText.prefault(isdRTar),
    aid: aidText.optional(),
    apdus: z.array(hex.min(8)).min(1).max(1000),
  }),
  z.strictObject({
    kind: z.literal("move"),
    from: ProfileChoice,
    to: ProfileChoice,
    old: z.enum(["keep", "delete"]).default("keep"),
  }),
]);

const Targets = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("all") }),
  z.strictObject({ kind: z.literal("tag"), tag: clearText(100) }),
  z.strictObject({ kind: z.literal("list"), references: z.array(z.string().min(1)).min(1).max(1_000_000) }),
]);

/** A campaign as a client orders it, with its defaults. */
export const CampaignOrderShape = z.strictObject({
  name: clearText(100),
  targets: Targets,
  action: Action,
  request: z
    .strictObject({
      bearer: z.enum(["auto", "https", "envelope", "sms", "short-message"]).optional(),
      link: clearText(300).optional(),
      spi: spiText.optional(),
      kvn: z.number().int().min(1).max(15).optional(),
      maxPackets: z.number().int().min(1).max(20).optional(),
      answerTimeoutMs: z.number().int().positive().max(86_400_000).optional(),
    })
    .prefault({}),
  concurrency: z.number().int().min(1).max(1000).default(10),
  canary: z.number().int().min(0).default(0),
  stopAtFailureShare: z.number().min(0).max(1).optional(),
  validityMs: z
    .number()
    .int()
    .min(1000)
    .max(30 * 86_400_000)
    .default(3_600_000),
  switchTimeoutMs: z.number().int().min(100).max(86_400_000).default(600_000),
});

/** Reads an order. @throws campaign.invalid naming the field */
export function parseCampaignOrder(raw: unknown): CampaignOrder {
  const parsed = checked(CampaignOrderShape, raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
    const field = [...(issue?.path ?? []), ...unknown].join(".");
    throw invalid(field, issue?.message ?? "not valid");
  }
  const { request, stopAtFailureShare, action, ...others } = parsed.data;
  if (action.kind === "es5") checkCall(action);
  return {
    ...others,
    action: actionOf(action),
    request: withoutUndefined(request),
    ...withoutUndefined({ stopAtFailureShare }),
  };
}

function invalid(field: string, message: string): GatewayError {
  return new GatewayError("campaign.invalid", `${field === "" ? "order" : field}: ${message}`, { detail: { field } });
}

const anyAid = parseAid("A0000005591010FFFFFFFF8900001200");

/** Parameters that no target could take are refused at once, not target by target. @throws campaign.invalid */
function checkCall({ function: name, profile, params }: Extract<z.infer<typeof Action>, { kind: "es5" }>): void {
  const trial = { ...params, ...(profile === undefined ? {} : { aid: anyAid }) };
  try {
    es5FromParams(name, trial, trialTarget);
  } catch (error) {
    if (!isGatewayError(error) || error.code !== "api.usage") return;
    const field = String(error.detail.field ?? "params");
    if (field === "params.aid" && profile === undefined)
      throw invalid("action.profile", `${name} requires a profile: give aid, iccidPrefix or mnoId`);
    throw invalid(`action.${field}`, error.message.replace(`${field}: `, ""));
  }
}

/** A placeholder target for checks of the order alone. */
const trialTarget: Target = {
  id: "tgt_",
  kind: "euicc",
  tags: [],
  esimProfiles: [{ aid: anyAid, state: "disabled", fallback: false }],
  reach: {},
  settings: {},
  version: 1,
  createdAt: 0,
  updatedAt: 0,
};

function actionOf(action: z.infer<typeof Action>): CampaignOrder["action"] {
  switch (action.kind) {
    case "es5": {
      const { profile, params, ...others } = action;
      return {
        ...others,
        ...(profile === undefined ? {} : { profile: withoutUndefined(profile) }),
        ...withoutUndefined({ params }),
      };
    }
    case "script": {
      const { aid, ...others } = action;
      return {
        ...others,
        apdus: Apdus.parse(action.apdus),
        ...withoutUndefined({ aid }),
      };
    }
    case "move":
      return { ...action, from: withoutUndefined(action.from), to: withoutUndefined(action.to) };
  }
}
