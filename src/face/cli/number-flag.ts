import { InvalidArgumentError } from "commander";

/** A flag's value that is a whole number, decimal. @throws InvalidArgumentError, which ends the command as misused */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError("It must be a whole number.");
  return value;
}

/** A flag's value that is a time in seconds, with or without a fraction. @throws InvalidArgumentError */
export function secondsOf(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError("It must be a number of seconds.");
  return Number(text);
}

/** A flag's value that is a share, from 0 to 1. @throws InvalidArgumentError */
export function shareOf(text: string): number {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value > 1) throw new InvalidArgumentError("It must be a share from 0 to 1.");
  return value;
}
