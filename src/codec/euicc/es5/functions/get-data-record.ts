import { asksFor, getData } from "../apdu.ts";
import { none } from "../fields.ts";
import { type Es5Record, es5Call, es5Record } from "../record.ts";

/** The record of an audit that reads one data object and takes no parameters. GP Card Specification §11.3 */
export function getDataRecord<N extends string>(about: {
  readonly name: N;
  readonly clause: string;
  readonly tag: number;
  readonly does: string;
  readonly words: string;
  readonly answer: NonNullable<Es5Record<{ readonly name: N }>["answer"]>;
}): Es5Record<{ readonly name: N }> {
  const { name, clause, tag, does, words, answer } = about;
  return es5Record<{ readonly name: N }>({
    name,
    clause,
    ins: 0xca,
    commands: () => [getData(tag)],
    classify: (command) => (asksFor(command, tag) ? { name } : undefined),
    answer,
    words: () => words,
    call: es5Call({ does, params: none, from: () => ({ name }) }),
  });
}
