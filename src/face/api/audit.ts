import { z } from "zod";
import { moment, pageShape, seqPage } from "./fields.ts";
import { operation } from "./operation.ts";

/** An entry of the audit log. */
export const auditShape = z
  .object({
    seq: z.number().int(),
    at: moment,
    client: z.string().optional(),
    how: z.enum(["socket", "token", "certificate", "upstream"]).optional(),
    remote: z.string().optional(),
    operation: z.string(),
    method: z.string(),
    path: z.string(),
    status: z.number().int().optional().describe("Absent when the daemon died before it answered"),
    error: z.string().optional(),
  })
  .meta({ id: "AuditEntry", description: "Who asked for what, and what became of it" });

/** The audit log. */
export const auditOperations = {
  list: operation({
    route: "GET /v1/audit",
    scope: "admin",
    operationId: "listAudit",
    tags: ["access"],
    summary: "Who did what",
    description: "Every request that changes anything, and refusals of strangers; newest first.",
    query: seqPage.extend({
      client: z.string().min(1).max(200).optional().describe("Only of this client"),
      operation: z.string().min(1).max(100).optional().describe("Only of this operation id"),
    }),
    answers: { 200: pageShape(auditShape) },
  }),
};

/** An entry of the audit log in an answer. */
export type AuditAnswer = z.output<typeof auditShape>;
