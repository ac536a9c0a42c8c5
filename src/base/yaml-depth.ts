const maxDepth = 64;
/** Maximum indentation: twice the maximum depth with four columns per level. */
const maxIndent = 512;

/**
 * Returns where a YAML text is nested so deep that the parser would end the process; undefined if it is not. Brackets
 * in quoted text count too: no real configuration has that many unclosed ones.
 */
export function yamlTooDeep(text: string): string | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "[" || character === "{") depth += 1;
    else if ((character === "]" || character === "}") && depth > 0) depth -= 1;
    if (depth > maxDepth) return `nested deeper than ${maxDepth} levels (offset ${at})`;
  }
  for (const [index, line] of text.split("\n").entries()) {
    const start = /^[ ]*((?:[-?:][ ]+)*)/.exec(line) ?? [];
    if ((start[0] ?? "").length > maxIndent || (start[1] ?? "").replaceAll(" ", "").length > maxDepth)
      return `nested deeper than ${maxDepth} levels (line ${index + 1})`;
  }
  return undefined;
}
