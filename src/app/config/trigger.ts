import { z } from "zod";
import { asGatewayError } from "../../base/gateway-error.ts";
import { ipOctets, NetworkAccessName } from "../../codec/cat/bearer.ts";
import { bearerOctets, connectionObjects } from "../../codec/gp/connection.ts";
import { SessionTrigger } from "../../codec/gp/trigger.ts";
import { encode } from "../../codec/kit/codec.ts";

/** Text that `read` accepts; the message is that of its error. */
function readable(read: (text: string) => unknown) {
  return z.string().superRefine((text, context) => {
    try {
      read(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: asGatewayError(error).message });
    }
  });
}

/** Text that is allowed in a line of an HTTP request. */
const requestText = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 printable ASCII characters without spaces");

/** Content of a session trigger; the card uses its stored values for absent ones. GP Amendment B §3.7 */
export const TriggerConfig = z
  .strictObject({
    bearer: readable(bearerOctets).optional(),
    bufferSize: z.number().int().min(1).max(65535).optional(),
    networkAccessName: readable((text) => encode(NetworkAccessName, text)).optional(),
    user: z.string().optional(),
    port: z.number().int().min(1).max(65535).optional(),
    address: readable(ipOctets).optional(),
    host: requestText.optional(),
    agentId: requestText.optional(),
    uri: requestText.optional(),
    retries: z.number().int().min(0).max(65535).optional(),
    retryDelaySeconds: z.number().int().min(0).max(86_399).optional(),
  })
  .refine(({ retries, retryDelaySeconds }) => retries !== undefined || retryDelaySeconds === undefined, {
    path: ["retryDelaySeconds"],
    message: "has no effect without retries",
  });
export type TriggerConfig = z.infer<typeof TriggerConfig>;

/** The secured data of a session trigger. GP Amendment B §3.7 */
export function triggerBody(trigger: TriggerConfig): Uint8Array {
  const { host, agentId, uri, retries, retryDelaySeconds, ...connection } = trigger;
  const objects = connectionObjects(defined(connection));
  const http = defined({ host, agentId, uri });
  const session = {
    ...(objects.length === 0 ? {} : { connection: objects }),
    ...(retries === undefined
      ? {}
      : { retry: { attempts: retries, delaySeconds: retryDelaySeconds ?? 60, failureReport: new Uint8Array(0) } }),
    ...(Object.keys(http).length === 0 ? {} : { http }),
  };
  return encode(SessionTrigger, Object.keys(session).length === 0 ? {} : { session });
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The same object without keys whose value is undefined. */
export function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Defined<T>;
}
