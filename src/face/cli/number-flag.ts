import { InvalidArgumentError } from "commander";

// Commander adds the flag and the given value in front of the messages: error: option '--limit <n>' argument 'many' is
// invalid.

/** A flag's value that is a whole number, decimal. @throws InvalidArgumentError, which ends the command as misused */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("It must be a whole number from 0, such as 20.");
  return value;
}

/** A flag's value that is a time in seconds, with or without a fraction. @throws InvalidArgumentError */
export function secondsOf(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError("It must be a number of seconds, such as 30 or 0.5.");
  return Number(text);
}

/** A flag's value that is a share, from 0 to 1. @throws InvalidArgumentError */
export function shareOf(text: string): number {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value > 1)
    throw new InvalidArgumentError("It must be a share from 0 to 1, such as 0.25.");
  return value;
}
