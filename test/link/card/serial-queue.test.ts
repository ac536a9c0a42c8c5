import { expect, test } from "vitest";
import { SerialQueue } from "../../../src/link/card/serial-queue.ts";

/** A task that its test ends. */
function held() {
  let resolve: (value: string) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<string>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { task: () => promise, resolve, reject };
}

test("starts the first task at once and each following one only after the one before it", async () => {
  const queue = new SerialQueue();
  const log: string[] = [];
  const first = held();
  const one = queue.run(() => {
    log.push("one starts");
    return first.task();
  });
  const two = queue.run(async () => {
    log.push("two starts");
    return "2";
  });
  expect(log).toEqual(["one starts"]);
  expect(queue.busy).toBe(true);
  first.resolve("1");
  expect(await one).toBe("1");
  expect(await two).toBe("2");
  expect(log).toEqual(["one starts", "two starts"]);
  expect(queue.busy).toBe(false);
});

test("a failing task fails its caller alone", async () => {
  const queue = new SerialQueue();
  const first = held();
  const one = queue.run(first.task);
  const two = queue.run(async () => "2");
  first.reject(new Error("no"));
  await expect(one).rejects.toThrow("no");
  expect(await two).toBe("2");
  expect(queue.busy).toBe(false);
});

test("a task enqueued while another runs comes before one enqueued after that one resolved", async () => {
  const queue = new SerialQueue();
  const order: string[] = [];
  const note = (name: string) => async () => {
    order.push(name);
  };
  let inner: Promise<void> | undefined;
  await queue.run(async () => {
    await Promise.resolve();
    inner = queue.run(note("inner"));
  });
  await Promise.all([queue.run(note("outer")), inner]);
  expect(order).toEqual(["inner", "outer"]);
});

test("is idle again before the caller continues", async () => {
  const queue = new SerialQueue();
  await queue.run(async () => undefined);
  expect(queue.busy).toBe(false);
});
