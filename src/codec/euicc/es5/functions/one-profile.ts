import { z } from "zod";
import type { Aid } from "../../aid.ts";
import { isdPGrouping, isdPOfGrouping } from "../apdu.ts";
import { named, namedIsdP } from "../fields.ts";
import { type Es5Record, es5Call, es5Record } from "../record.ts";

/** A function whose only parameter is one ISD-P, in a data grouping of STORE DATA. */
export interface OneProfile<N extends string> {
  readonly name: N;
  readonly isdP: Aid;
}

/** The record of such a function. SGP.02 §4.1.1 */
export function oneProfileRecord<N extends string>(about: {
  readonly name: N;
  readonly dgi: number;
  readonly clause: string;
  readonly does: string;
  readonly statusWords: Readonly<Record<number, string>>;
}): Es5Record<OneProfile<N>> {
  const { name, dgi, clause, does, statusWords } = about;
  return es5Record<OneProfile<N>>({
    name,
    clause,
    ins: 0xe2,
    commands: ({ isdP }) => isdPGrouping(dgi, isdP),
    classify: (command) => {
      const isdP = isdPOfGrouping(command, dgi);
      return isdP === undefined ? undefined : { name, isdP };
    },
    statusWords,
    words: ({ isdP }, names) => `${name.charAt(0).toUpperCase()}${name.slice(1)} ${names.domain(isdP)}`,
    call: oneProfileCall(name, does),
  });
}

/** How a function on one profile is ordered. */
export function oneProfileCall<N extends string>(name: N, does: string) {
  return es5Call<OneProfile<N>, z.ZodObject<typeof named>>({
    does,
    params: z.strictObject(named),
    from: (params, eis) => ({ name, isdP: namedIsdP(params, eis) }),
    options: { without: ["isdP"] },
  });
}
