import { asGatewayError } from "../../base/gateway-error.ts";
import type { CliContext } from "../../face/cli/context.ts";
import type { Act } from "./demo-step.ts";
import { envelopeAct } from "./envelope-act.ts";
import { modemAct } from "./modem-act.ts";
import { Narrator } from "./narrator.ts";
import { scp81Act } from "./scp81-act.ts";
import { smppAct } from "./smpp-act.ts";
import { setStage } from "./stage.ts";

const acts: readonly Act[] = [envelopeAct, scp81Act, modemAct, smppAct];

/** Plays all acts; returns the exit code: 0 only if all of it happened. */
export async function runDemo(context: CliContext, options: { readonly inProcess?: boolean }): Promise<number> {
  using narrator = new Narrator(context);
  await using stage = await setStage(context, options.inProcess === true);
  for (const act of acts) {
    try {
      await act(stage, narrator);
    } catch (thrown) {
      const error = asGatewayError(thrown);
      narrator.check(`${error.code}: ${error.message}`, false);
    }
  }
  return narrator.finish();
}
