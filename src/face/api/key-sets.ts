import { z } from "zod";
import { strict } from "../../base/strict.ts";
import { KeySetShape } from "../../gateway/targets/target-shape.ts";
import { ifMatchHeaders, listOf, referenceParams } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

/** A key set without its keys. */
export const keySetShape = z
  .object({
    id: z.string(),
    type: z.string(),
    kvn: z.number().int().describe("Key version number"),
    tars: listOf(z.string()).describe("Its TARs; none = the ISD-R and its ISD-Ps"),
    algorithm: z.string(),
    ccLength: z.number().int(),
    cntr: z.number().describe("Last reserved counter"),
    pskIdentity: z.string().optional(),
  })
  .meta({ id: "KeySet", description: "A key set without its keys, which are write-only" });

const keySetList = z.object({ keySets: listOf(keySetShape) });

/** A key set as the examples show it. */
export const keySetExample = {
  id: sample.keySet,
  type: "SCP80",
  kvn: 2,
  tars: [],
  algorithm: "AES",
  ccLength: 8,
  cntr: 0,
} as const;

/** Key sets of a target: their values are written, never read. */
export const keySetOperations = {
  list: operation({
    route: "GET /v1/targets/:ref/keys",
    scope: "read",
    operationId: "listKeySets",
    example: { params: { ref: sample.eid }, answer: { keySets: [keySetExample] } },
    tags: ["targets"],
    summary: "List the key sets of a target, without keys",
    description: "Key sets and their current counters.",
    params: referenceParams,
    answers: { 200: keySetList },
  }),

  put: operation({
    route: "PUT /v1/targets/:ref/keys",
    scope: "targets",
    operationId: "putKeySets",
    example: {
      params: { ref: sample.eid },
      body: {
        keySets: [
          {
            type: "SCP80",
            kvn: 2,
            algorithm: "AES",
            keys: [
              { id: 1, value: "000102030405060708090A0B0C0D0E0F" },
              { id: 2, value: "0F0E0D0C0B0A09080706050403020100" },
            ],
            cntr: 0,
          },
        ],
      },
      answer: { keySets: [keySetExample] },
    },
    tags: ["targets"],
    summary: "Write key sets of a target",
    description:
      "Sets with the same type, KVN and TARs are replaced, others added, none removed. A counter never decreases. " +
      "The keys are sealed at once and cannot be read back.",
    params: referenceParams,
    headers: ifMatchHeaders,
    body: strict({ keySets: z.array(KeySetShape).min(1).max(127) }),
    answers: { 200: keySetList },
  }),

  remove: operation({
    route: "DELETE /v1/targets/:ref/keys/:keySet",
    scope: "targets",
    operationId: "removeKeySet",
    example: { params: { ref: sample.eid, keySet: sample.keySet } },
    tags: ["targets"],
    summary: "Remove a key set",
    description: "Its counter is removed too: a key set that is written again starts with the counter in the request.",
    params: z.object({
      ...referenceParams.shape,
      keySet: z.string().min(1).max(100).describe("Id of the key set"),
    }),
    headers: ifMatchHeaders,
    answers: { 204: z.null().describe("Removed") },
  }),
};
