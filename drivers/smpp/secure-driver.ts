export { secureDriver as driver } from "./driver.ts";
