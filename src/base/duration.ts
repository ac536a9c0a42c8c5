const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a time such as `90s`, `10m`, `2h` or `1d`; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  return unit === undefined ? undefined : Number(count) * units[unit as keyof typeof units];
}

/** The shortest form of a time that {@link parseDuration} accepts. */
export function durationText(ms: number): string {
  const unit = (["d", "h", "m"] as const).find((one) => ms % units[one] === 0) ?? "s";
  return `${Math.round(ms / units[unit])}${unit}`;
}
