import { z } from "zod";

/** Takes from a value what its shape has; everything else stays inside. */
type Projection = (value: unknown) => unknown;

const whole: Projection = (value) => value;

/**
 * Makes, once for a shape, the function that takes from an answer the fields that the shape has. Types hold handlers to
 * the shape, so nothing is checked here: an answer is written with one JSON.stringify.
 */
export function projectionOf(shape: z.core.$ZodType): Projection {
  if (
    shape instanceof z.ZodOptional ||
    shape instanceof z.ZodNullable ||
    shape instanceof z.ZodReadonly ||
    shape instanceof z.ZodDefault
  )
    return projectionOf(shape.def.innerType);
  if (shape instanceof z.ZodArray) return ofArray(projectionOf(shape.element));
  if (shape instanceof z.ZodObject) return ofObject(shape);
  if (shape instanceof z.ZodDiscriminatedUnion || shape instanceof z.ZodUnion) return ofUnion(shape);
  return whole;
}

function ofArray(item: Projection): Projection {
  return item === whole ? whole : (value) => (Array.isArray(value) ? value.map(item) : value);
}

function ofObject(shape: z.ZodObject): Projection {
  const fields = Object.entries(shape.shape).map(([name, field]) => [name, projectionOf(field)] as const);
  const open = shape.def.catchall !== undefined && !(shape.def.catchall instanceof z.ZodNever);
  if (open && fields.every(([, field]) => field === whole)) return whole;
  return (value) => {
    if (!isRecord(value)) return value;
    const taken: Record<string, unknown> = open ? { ...value } : {};
    for (const [name, field] of fields) {
      const inner = value[name];
      if (inner !== undefined) taken[name] = field === whole ? inner : field(inner);
    }
    return taken;
  };
}

/** The first shape of several that a value has. */
function ofUnion(shape: z.ZodUnion | z.ZodDiscriminatedUnion): Projection {
  const options = shape.options.map((option) => ({ option, project: projectionOf(option) }));
  if (options.every(({ project }) => project === whole)) return whole;
  return (value) => {
    if (!isRecord(value)) return value;
    const fitting = options.find(({ option }) => z.core.safeParse(option, value).success);
    return fitting === undefined ? undefined : fitting.project(value);
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
