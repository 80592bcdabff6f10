// Starts the pages: the frame around them, then the page that the address names.
import { frame } from "./parts/shell.js";
import { start } from "./router.js";
import { keepAlive } from "./session.js";

const main = frame(document.body);
keepAlive();
start(main, [
  ["/", () => import("./pages/library.js")],
  ["/sign-in", () => import("./pages/sign-in.js")],
  ["/recordings/:id", () => import("./pages/recording.js")],
  ["/upload", () => import("./pages/upload.js")],
  ["/record", () => import("./pages/record.js")],
  ["/activity", () => import("./pages/activity.js")],
]);
