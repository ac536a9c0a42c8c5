import { z } from "zod";
import { moment, pageShape, seqPage } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

/** An entry of the audit log. */
const auditShape = z
  .object({
    seq: z.number().int(),
    at: moment,
    client: z.string().optional(),
    how: z.enum(["socket", "token", "certificate", "upstream"]).optional(),
    remote: z.string().optional(),
    operation: z.string(),
    method: z.string(),
    path: z.string(),
    status: z.number().int().optional().describe("Absent if the daemon was killed before it answered"),
    error: z.string().optional(),
  })
  .meta({ id: "AuditEntry", description: "A request and its outcome" });

/** The audit log. */
export const auditOperations = {
  list: operation({
    route: "GET /v1/audit",
    scope: "admin",
    operationId: "listAudit",
    example: {
      query: { limit: 1 },
      answer: {
        items: [
          {
            seq: 812,
            at: sample.at,
            client: "ci",
            how: "token",
            remote: "192.0.2.7",
            operation: "createJob",
            method: "POST",
            path: "/v1/jobs",
            status: 202,
          },
        ],
        cursor: "812",
      },
    },
    tags: ["access"],
    summary: "List audit entries",
    description: "Every request that changes anything, and refused requests; newest first.",
    query: seqPage.extend({
      client: z.string().min(1).max(200).optional().describe("Only of this client"),
      operation: z.string().min(1).max(100).optional().describe("Only of this operation id"),
    }),
    answers: { 200: pageShape(auditShape) },
  }),
};

/** An entry of the audit log in an answer. */
export type AuditAnswer = z.output<typeof auditShape>;
