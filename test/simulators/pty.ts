import { openPty } from "../../simulators/pty.ts";

/** Whether a pseudo-terminal can be opened here; tests skip with {@link ptyMissing} as their reason otherwise. */
export async function ptyAvailable(): Promise<boolean> {
  try {
    await using _probe = await openPty();
    return true;
  } catch {
    return false;
  }
}

/** Why a test that needs a pseudo-terminal was skipped. */
export const ptyMissing = "no /dev/ptmx or no perl: pseudo-terminals cannot be opened here";
